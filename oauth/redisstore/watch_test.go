package redisstore

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

// patience is more than anything here takes.
const patience = 20 * time.Second

// watch runs s.Watch until the test ends and returns what it tells.
func watch(t *testing.T, s *Store) <-chan oauth.GrantID {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan oauth.GrantID, 100), make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func(id oauth.GrantID) { told <- id }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v", err)
		}
	})
	return told
}

func tells(t *testing.T, told <-chan oauth.GrantID, want oauth.GrantID) {
	t.Helper()
	select {
	case got := <-told:
		if got != want {
			t.Fatalf("Watch tells of %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("Watch does not tell of %q", want)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"one server": func(t *testing.T) string { t.Helper(); return redistest.Shared(t) },
		"cluster":    func(t *testing.T) string { t.Helper(); return redistest.Cluster(t, 3)[0].URL() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOptions(t, url(t))
			s, other := openWith(t, o), openWith(t, o)
			told := watch(t, s)
			tells(t, told, "")
			for range 10 { // in any bucket
				row := mustSwap(t, other, "", sample(oauth.NewGrantID(), 1))
				tells(t, told, row.GrantID)
				if _, err := other.Swap(t.Context(), "another", row); !errors.Is(err, oauth.ErrConflict) {
					t.Fatal(err)
				}
				row = mustSwap(t, s, row.Version, row)
				tells(t, told, row.GrantID)
				if err := other.Delete(t.Context(), row.GrantID, row.Version); err != nil {
					t.Fatal(err)
				}
				tells(t, told, row.GrantID)
			}
			openWith(t, o) // what it tries is nobody's business
			row := mustSwap(t, other, "", sample(oauth.NewGrantID(), 1))
			tells(t, told, row.GrantID)
		})
	}
}

func TestWatchReconnects(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openWith(t, Options{URL: server.URL(), Volatile: true})
	told := watch(t, s)
	tells(t, told, "")
	for range 2 {
		server.Kill(t)
		server.Restart(t)
		tells(t, told, "")
		row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
		tells(t, told, row.GrantID)
	}
	server.Do(t, "client", "kill", "type", "pubsub")
	tells(t, told, "")
}

// A server that no longer answers is one that is gone.
func TestWatchOfSilence(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	var pings atomic.Int64
	address := redistest.InMemory(t, func(_ *server.Peer, command string) bool {
		if command == "PING" && pings.Add(1) == 1 {
			<-silent
		}
		return false
	})
	s := openWith(t, Options{URL: "redis://" + address, Volatile: true})
	s.silence = 50 * time.Millisecond
	told := watch(t, s)
	defer close(silent)
	tells(t, told, "")
	tells(t, told, "")
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	tells(t, told, row.GrantID)
}
