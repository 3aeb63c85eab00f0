package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // what EVALSHA names scripts by
	"embed"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua
var lua embed.FS

// script is one of ours, each an operation as a whole: Redis runs it without
// anything in between.
type script struct{ source, hash string }

// newScript reads lua/NAME.lua.
func newScript(name string) script {
	head, err := lua.ReadFile("lua/head.lua")
	if err != nil {
		panic(err)
	}
	body, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	source := string(head) + string(body)
	sum := sha1.Sum([]byte(source)) //nolint:gosec // as above
	return script{source, hex.EncodeToString(sum[:])}
}

// reply is what all scripts answer with.
type reply struct {
	answer  string
	history string // of the data of the server that ran the script
	now     time.Time
	data    []any
}

// once is a command that no client sends a second time, whatever its
// MaxRetries. The first may have been carried out and only its reply lost.
type once struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (once) NoRetry() bool { return true }

// run has the primary of keys run a script. It is sent once; a second time,
// whole, only to a server that does not know it by its hash yet.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...any) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, unsent{err}
	}
	cmd := once{evaluate(ctx, "evalsha", sc.hash, keys, args)}
	err := s.client.Process(ctx, cmd)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd = once{evaluate(ctx, "eval", sc.source, keys, args)}
		err = s.client.Process(ctx, cmd)
	}
	if err != nil {
		s.lookAgain(ctx, err)
		return reply{}, err
	}
	return parse(cmd.Cmd)
}

// lookAgain has a client for clusters ask where the keys are now, if a server
// does not answer. By itself it would only once it tries another server, which
// it does for commands alone that it may send twice.
func (s *Store) lookAgain(ctx context.Context, err error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if _, answered := errors.AsType[redis.Error](err); ok && !answered {
		cluster.ReloadState(ctx)
	}
}

func evaluate(ctx context.Context, command, which string, keys []string, args []any) *redis.Cmd {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, command, which, len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	return redis.NewCmd(ctx, append(all, args...)...)
}

func parse(cmd *redis.Cmd) (reply, error) {
	all, err := cmd.Slice()
	if err != nil {
		return reply{}, err
	}
	if len(all) < 4 {
		return reply{}, errors.New("a script's reply is cut short")
	}
	var head [4]string
	for i := range head {
		head[i], _ = all[i].(string)
	}
	seconds, err := strconv.ParseInt(head[2], 10, 64)
	if err != nil {
		return reply{}, errors.New("a script's reply has no time")
	}
	micros, err := strconv.ParseInt(head[3], 10, 64)
	if err != nil || head[1] == "" {
		return reply{}, errors.New("a script's reply has no time or no history")
	}
	return reply{answer: head[0], history: head[1], now: time.Unix(seconds, micros*1000).UTC(), data: all[4:]}, nil
}

// texts returns the texts of a list, "" for those that are not there.
func texts(list any) []string {
	items, _ := list.([]any)
	all := make([]string, len(items))
	for i, item := range items {
		all[i], _ = item.(string)
	}
	return all
}
