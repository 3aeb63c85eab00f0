package redisstore

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

// What a server answers decides whether a write may have happened, and no write
// is sent twice.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	answer := func(text string) func(*server.Peer) { return func(c *server.Peer) { c.WriteError(text) } }
	for name, tt := range map[string]struct {
		does func(*server.Peer)
		want error
	}{
		"a replica":             {answer("READONLY You can't write against a read only replica."), oauth.ErrNotWritten},
		"no memory":             {answer("OOM command not allowed when used memory > 'maxmemory'. script: x, on @user_script:1."), oauth.ErrNotWritten},
		"no disk":               {answer("MISCONF Errors writing to the AOF file: No space left on device"), oauth.ErrNotWritten},
		"no replicas":           {answer("NOREPLICAS Not enough good replicas to write."), oauth.ErrNotWritten},
		"starting":              {answer("LOADING Redis is loading the dataset in memory"), oauth.ErrNotWritten},
		"busy":                  {answer("BUSY Redis is busy running a script."), oauth.ErrNotWritten},
		"a cluster in trouble":  {answer("CLUSTERDOWN The cluster is down"), oauth.ErrNotWritten},
		"a slot that moves":     {answer("TRYAGAIN Multiple keys request during rehashing of slot"), oauth.ErrNotWritten},
		"no password":           {answer("NOAUTH Authentication required."), oauth.ErrNotWritten},
		"no right":              {answer("NOPERM this user has no permissions to run the 'evalsha' command"), oauth.ErrNotWritten},
		"no right in a script":  {answer("ERR The user executing the script can't run this command or subcommand script: x"), oauth.ErrNotWritten},
		"too many clients":      {answer("ERR max number of clients reached"), oauth.ErrNotWritten},
		"a failing proxy":       {answer("ERR upstream failure"), oauth.ErrUnknown},
		"something new":         {answer("WHATEVER this is"), oauth.ErrUnknown},
		"a closed connection":   {func(c *server.Peer) { c.Close() }, oauth.ErrUnknown},
		"another form of reply": {func(c *server.Peer) { c.WriteInt(1) }, oauth.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			s, row := hooked(t, func(c *server.Peer) bool {
				sent.Add(1)
				tt.does(c)
				return true
			})
			for what, try := range map[string]func() error{
				"Swap": func() error {
					_, err := s.Swap(t.Context(), row.Version, row)
					return err
				},
				"Delete":  func() error { return s.Delete(t.Context(), row.GrantID, row.Version) },
				"PutFlow": func() error { return s.PutFlow(t.Context(), oauth.Flow{ID: "x"}) },
				"TakeFlow": func() error {
					_, err := s.TakeFlow(t.Context(), "x", "")
					return err
				},
			} {
				sent.Store(0)
				err := try()
				if !errors.Is(err, tt.want) || errors.Is(err, oauth.ErrUnknown) != errors.Is(tt.want, oauth.ErrUnknown) || errors.Is(err, oauth.ErrConflict) {
					t.Errorf("%s: %v, want %v", what, err, tt.want)
				}
				if sent.Load() != 1 {
					t.Errorf("%s was sent %d times", what, sent.Load())
				}
			}
			if _, err := s.Load(t.Context(), row.GrantID); err == nil || errors.Is(err, oauth.ErrNoGrant) {
				t.Errorf("Load: %v", err)
			}
		})
	}
}

// hooked is a store with a row, on a client that would retry. From now on does
// answers its scripts, unless it returns false.
func hooked(t *testing.T, does func(*server.Peer) bool) (*Store, oauth.Row) {
	t.Helper()
	var armed atomic.Bool
	address := redistest.InMemory(t, func(c *server.Peer, command string) bool {
		return armed.Load() && command == "EVALSHA" && does(c)
	})
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: 3, Protocol: 2})
	t.Cleanup(func() { _ = client.Close() })
	s := openWith(t, Options{Client: client, Volatile: true})
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	armed.Store(true)
	return s, row
}

// An answer that does not come leaves the outcome open.
func TestOutcomeOfSilence(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	defer close(silent)
	s, row := hooked(t, func(*server.Peer) bool {
		<-silent
		return false
	})
	s.client.(*redis.Client).Options().ContextTimeoutEnabled = true
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Swap(ctx, row.Version, row); !errors.Is(err, oauth.ErrUnknown) || errors.Is(err, oauth.ErrNotWritten) {
		t.Errorf("Swap: %v", err)
	}
}

// What real servers in trouble answer.
func TestTroubledServers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trouble, end []any
		loads        bool
	}{
		"a primary that becomes a replica": {[]any{"replicaof", "127.0.0.1", "1"}, []any{"replicaof", "no", "one"}, false},
		"no memory":                        {[]any{"config", "set", "maxmemory", "1"}, []any{"config", "set", "maxmemory", "0"}, true},
		"no replicas":                      {[]any{"config", "set", "min-replicas-to-write", "1"}, []any{"config", "set", "min-replicas-to-write", "0"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			s := openWith(t, Options{URL: server.URL(), Volatile: true})
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			server.Do(t, tt.trouble...)
			if _, err := s.Swap(t.Context(), row.Version, row); !errors.Is(err, oauth.ErrNotWritten) {
				t.Errorf("Swap: %v", err)
			}
			if _, err := s.Load(t.Context(), row.GrantID); (err == nil) != tt.loads {
				t.Errorf("Load: %v", err)
			}
			server.Do(t, tt.end...)
			got := mustLoad(t, s, row.GrantID)
			if got.Version != row.Version {
				t.Error("a refused swap has changed the row")
			}
			mustSwap(t, s, row.Version, got)
		})
	}
}

// A server that is gone has not written. What was under way when it went is
// not known.
func TestServerGone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openWith(t, Options{URL: server.URL(), Volatile: true})
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	server.Kill(t)
	_, err := s.Swap(t.Context(), row.Version, row)
	if errors.Is(err, oauth.ErrConflict) || !errors.Is(err, oauth.ErrNotWritten) && !errors.Is(err, oauth.ErrUnknown) {
		t.Errorf("the first Swap: %v", err)
	}
	if _, err := s.Swap(t.Context(), row.Version, row); !errors.Is(err, oauth.ErrNotWritten) {
		t.Errorf("Swap: %v", err)
	}
	if _, err := s.Load(t.Context(), row.GrantID); err == nil || errors.Is(err, oauth.ErrNoGrant) {
		t.Errorf("Load: %v", err)
	}
}
