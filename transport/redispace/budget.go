// Package redispace has the processes of a fleet share Roblox's rate limits: a
// transport.Budget in Redis. With it ten replicas stay below a limit together;
// without it each believes that it has all of it.
//
//	pacer.Budget = redispace.New(redisClient, "")
//
// A request costs one round trip to Redis and one key, which is gone when its
// window is over. Nothing is lost when Redis is restarted or fails over but the
// count of the window under way. While it cannot be reached each process paces
// alone, see transport.Budget.
package redispace

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/transport"
)

//go:embed take.lua
var take string

// Budget counts requests in Redis, in windows that the server's clock aligns.
// It is safe for concurrent use, also by many processes.
type Budget struct {
	client redis.Scripter
	prefix string
	take   *redis.Script
}

var _ transport.Budget = (*Budget)(nil)

// New returns a budget that all share who use the same server and prefix, which
// begins all keys and is "rblx-pace" by default. A client for a cluster spreads
// the keys over its servers. It connects at the first request.
func New(client redis.Scripter, prefix string) *Budget {
	return &Budget{client: client, prefix: cmp.Or(prefix, "rblx-pace"), take: redis.NewScript(take)}
}

// Take implements transport.Budget. Where the client sends a script again after
// a lost reply, a request may be counted twice, never too little.
func (b *Budget) Take(ctx context.Context, key string, limit transport.Limit) (time.Duration, error) {
	if limit.Max <= 0 || limit.Per < time.Millisecond {
		return 0, fmt.Errorf("redispace: a limit of %d in %s cannot be kept", limit.Max, limit.Per)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	sum := sha256.Sum256([]byte(key)) // a key may be long, and stands for a credential
	name := b.prefix + ":{" + base64.RawURLEncoding.EncodeToString(sum[:18]) + "}"
	wait, err := b.take.Run(ctx, b.client, []string{name}, limit.Max, limit.Per.Microseconds()).Int64()
	switch {
	case err != nil:
		return 0, fmt.Errorf("redispace: %w", err)
	case wait < 0:
		return 0, errors.New("redispace: Redis answers with a negative time to wait")
	}
	return time.Duration(wait) * time.Microsecond, nil
}
