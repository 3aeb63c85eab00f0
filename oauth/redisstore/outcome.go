package redisstore

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/oauth"
)

var errReply = errors.New("a script's reply has another form")

// unsent is an error that came before anything was sent.
type unsent struct{ error }

// Unwrap returns what came.
func (u unsent) Unwrap() error { return u.error }

// answered is what a script found that leaves it nothing to write.
type answered struct{ error }

// Unwrap returns what it found.
func (a answered) Unwrap() error { return a.error }

// refusal is the error of a script's answer, nil for ok.
func refusal(answer string) error {
	switch answer {
	case "ok":
		return nil
	case "conflict":
		return answered{oauth.ErrConflict}
	case "none":
		return answered{oauth.ErrNoGrant}
	case "corrupt":
		return unsent{fmt.Errorf("%w: its fields are missing", oauth.ErrCorruptRow)}
	}
	return errReply
}

// notRun are the codes with which a server refuses a command before it runs, or
// a script before its first write.
func notRun() []string {
	return []string{
		"READONLY", "OOM", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "MASTERDOWN", // the server's state
		"CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "CROSSSLOT", // the cluster's
		"NOAUTH", "WRONGPASS", "NOPERM", "NOSCRIPT", "WRONGTYPE",
		"max number of clients", "The user executing the script can't",
	}
}

// mayHaveRun reports whether a write that ended in err may have been carried out.
func mayHaveRun(err error) bool {
	if _, ok := errors.AsType[unsent](err); ok {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	if errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) || errors.Is(err, redis.ErrClosed) {
		return false
	}
	return !slices.ContainsFunc(notRun(), func(code string) bool { return redis.HasErrorPrefix(err, code) })
}

// failedWrite says what is known of a write that ended in err.
func (s *Store) failedWrite(err error) error {
	if _, ok := errors.AsType[answered](err); ok {
		return fmt.Errorf("redisstore: %w", err)
	}
	outcome := oauth.ErrNotWritten
	if mayHaveRun(err) {
		outcome = oauth.ErrUnknown
	}
	return s.failed(fmt.Errorf("%w: %w", outcome, err))
}

// failed names the server and says what to do about err.
func (s *Store) failed(err error) error {
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		err = fmt.Errorf("%w: a key is of another type: %w", oauth.ErrCorruptRow, err)
	}
	return fmt.Errorf("redisstore: %s: %w%s", s.name, err, advice(err))
}

// advice is what to do about an error, where that is known.
func advice(err error) string {
	for _, a := range []struct{ code, advice string }{
		{"READONLY", "; it is a replica, name its primary"},
		{"NOAUTH", "; put user and password into the URL: redis://user:password@host:6379"},
		{"WRONGPASS", "; correct user and password"},
		{"OOM", "; give the server more memory (maxmemory)"},
		{"MISCONF", "; the server cannot write to its disk, see its log"},
		{"NOREPLICAS", "; too few replicas are connected (min-replicas-to-write)"},
		{"LOADING", "; it is starting and not ready yet"},
		{"MOVED", "; the server belongs to a cluster, give a client for clusters"},
	} {
		if redis.HasErrorPrefix(err, a.code) {
			return a.advice
		}
	}
	if redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "The user executing the script can't") ||
		err != nil && strings.Contains(err.Error(), "has no permissions") {
		return "; give the user the rights that the documentation of redisstore lists"
	}
	return ""
}
