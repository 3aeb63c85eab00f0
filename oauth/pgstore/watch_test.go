package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// watched starts Watch, waits until it hears, and returns what it tells.
func watched(t *testing.T, s *Store) <-chan oauth.GrantID {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, done := make(chan oauth.GrantID, 10_000), make(chan error, 1)
	go func() { done <- s.Watch(ctx, func(id oauth.GrantID) { told <- id }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v", err)
		}
	})
	hear(t, told, "")
	return told
}

// hear waits until an id is told.
func hear(t *testing.T, told <-chan oauth.GrantID, want oauth.GrantID) {
	t.Helper()
	for patience := time.After(30 * time.Second); ; {
		select {
		case id := <-told:
			if id == want {
				return
			}
		case <-patience:
			t.Fatalf("%q was not told", want)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	a, b := openTest(t, dsn), openTest(t, dsn)
	told := watched(t, b)
	row := mustSwap(t, a, "", sample(oauth.NewGrantID(), 1))
	hear(t, told, row.GrantID)
	row = mustSwap(t, a, row.Version, withIntent(row))
	committed := row
	committed.Intent = nil
	row = mustSwap(t, a, row.Version, committed)
	hear(t, told, row.GrantID)
	row.State = oauth.StateTombstone
	row.Intent = &oauth.Intent{ID: "still open"}
	row = mustSwap(t, a, row.Version, row)
	hear(t, told, row.GrantID)
	if err := a.Delete(t.Context(), row.GrantID, row.Version); err != nil {
		t.Fatal(err)
	}
	hear(t, told, row.GrantID)
	a.news.wait()
	last := mustSwap(t, a, "", sample(oauth.NewGrantID(), 1))
	hear(t, told, last.GrantID)
	if len(told) > 0 {
		t.Errorf("the intent was told, or something twice: %s", <-told)
	}
}

// What many write at once is told in full, few notifications as it may take.
func TestWatchMany(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	a, b := openTest(t, dsn), openTest(t, dsn)
	told := watched(t, b)
	missing := map[oauth.GrantID]bool{}
	for range 3 * payloadIDs {
		id := oauth.NewGrantID()
		missing[id] = true
		a.tell(id)
	}
	for len(missing) > 0 {
		select {
		case id := <-told:
			delete(missing, id)
		case <-time.After(30 * time.Second):
			t.Fatalf("%d were not told", len(missing))
		}
	}
}

// News that pile up are told as one: anything may have changed.
func TestNewsAreBounded(t *testing.T) {
	t.Parallel()
	var told []oauth.GrantID
	s := &Store{}
	s.news.busy = true // nobody sends
	for range mostNews + 3 {
		s.tell(oauth.NewGrantID())
	}
	if got := len(s.news.ids); got != 4 || s.news.ids[0] != anything {
		t.Errorf("%d news wait", got)
	}
	pass(anything+separator+"junk"+separator+"'; DROP TABLE grants"+separator+"aaaaaaaaaaaaaaaaaaaaaaaaaa", func(id oauth.GrantID) { told = append(told, id) })
	if fmt.Sprint(told) != fmt.Sprint([]oauth.GrantID{"", "aaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
		t.Errorf("told %q", told)
	}
}

// A connection that is lost is made anew, and whoever listens is told.
func TestWatchReconnects(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	name := schemaOf(t, dsn)
	s, err := Open(t.Context(), dsn, Options{ListenDSN: pgtest.With(t, dsn, "application_name", name)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	told := watched(t, s)
	for range 3 {
		pgtest.Exec(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"+name+"'")
		hear(t, told, "")
		row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
		hear(t, told, row.GrantID)
	}
}

// Where it cannot connect, Watch waits, and ends when it is to.
func TestWatchWithoutServer(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), pgtest.DSN(t), Options{ListenDSN: "postgres://user:hush@127.0.0.1:1/test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = s.Watch(ctx, func(oauth.GrantID) { t.Error("something was told") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Watch: %v", err)
	}
}

// What is written while the greeting is on its way is told, too.
func TestWatchBeforeTheGreeting(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	name := schemaOf(t, dsn)
	s, err := Open(t.Context(), pgtest.With(t, dsn, "pool_max_conns", "1"), Options{ListenDSN: pgtest.With(t, dsn, "application_name", name)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	taken, err := s.pool.Acquire(t.Context()) // the greeting waits
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan oauth.GrantID, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Watch(ctx, func(id oauth.GrantID) { told <- id })
	}()
	defer func() { cancel(); <-done }()
	listening := "SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + name + "' AND state = 'idle' AND query LIKE 'LISTEN %'"
	for n := 0; n == 0; {
		if err := taken.QueryRow(t.Context(), listening).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	other := openTest(t, dsn)
	row := mustSwap(t, other, "", sample(oauth.NewGrantID(), 1))
	other.news.wait()
	taken.Release()
	hear(t, told, row.GrantID)
}

// Several may watch one store.
func TestWatchTwice(t *testing.T) {
	t.Parallel()
	s := openTest(t, pgtest.DSN(t))
	first, second := watched(t, s), watched(t, s)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	var wg sync.WaitGroup
	for _, told := range []<-chan oauth.GrantID{first, second} {
		wg.Go(func() { hear(t, told, row.GrantID) })
	}
	wg.Wait()
}
