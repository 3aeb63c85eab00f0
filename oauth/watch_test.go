package oauth

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tellingStore is a Watcher: a memory store that tells all who watch of writes,
// a little later.
type tellingStore struct {
	*MemoryStore
	mu       sync.Mutex
	watchers map[int]chan GrantID
	watched  int
	ends     int // so many times Watch fails
}

func newTellingStore() *tellingStore {
	return &tellingStore{MemoryStore: NewMemoryStore(), watchers: map[int]chan GrantID{}}
}

func (s *tellingStore) tell(id GrantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watchers {
		w <- id
	}
}

// Swap implements Store.
func (s *tellingStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	stored, err := s.MemoryStore.Swap(ctx, old, row)
	if err == nil {
		s.tell(row.GrantID)
	}
	return stored, err
}

// Delete implements Store.
func (s *tellingStore) Delete(ctx context.Context, id GrantID, version Version) error {
	err := s.MemoryStore.Delete(ctx, id, version)
	s.tell(id)
	return err
}

// Watch implements Watcher.
func (s *tellingStore) Watch(ctx context.Context, changed func(GrantID)) error {
	heard := make(chan GrantID, 1000)
	s.mu.Lock()
	s.watched++
	me, fails := s.watched, s.watched <= s.ends
	s.watchers[me] = heard
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, me)
		s.mu.Unlock()
	}()
	changed("")
	if fails {
		return errCut
	}
	for {
		select {
		case id := <-heard:
			time.Sleep(time.Millisecond)
			changed(id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// With a store that tells, a revocation is in force at once, and whoever waits
// for another process's refresh does not poll for its end.
func TestWatching(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), newTellingStore()
		p.latency = 5 * time.Second
		store.ends = 3
		a, id := signedIn(t, p, store, 15*time.Minute)
		other := newTestApp(t, p, store)
		mine, theirs := a.Grant(id), other.Grant(id)
		for _, g := range []*Grant{mine, theirs} {
			if _, err := g.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(15 * time.Minute) // the watch has long been up
		type outcome struct {
			at  time.Time
			err error
		}
		got := make(chan outcome, 2)
		for i, g := range []*Grant{mine, theirs} {
			go func() {
				time.Sleep(time.Duration(i) * time.Second)
				_, err := g.Token(t.Context())
				got <- outcome{time.Now(), err}
			}()
		}
		first, second := <-got, <-got
		if first.err != nil || second.err != nil || second.at.Sub(first.at) > 2*time.Millisecond || len(p.sent()) != 1 {
			t.Errorf("%v and %v, %v apart, after %q", first.err, second.err, second.at.Sub(first.at), p.sent())
		}

		time.Sleep(time.Second)
		if err := theirs.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
		if tok, err := mine.Token(t.Context()); !errors.Is(err, ErrRevoked) {
			t.Error(tok, err)
		}
		for _, a := range []*App{a, other} {
			if err := a.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if store.watched != 2+store.ends || len(store.watchers) != 0 {
			t.Errorf("watched %d times, %d watch still", store.watched, len(store.watchers))
		}
	})
}

// An App that has never used a grant watches nothing.
func TestWatchingIsLazy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newTellingStore()
		a := newTestApp(t, newFakeProvider(), store)
		a.Grant(NewGrantID())
		synctest.Wait()
		if store.watched != 0 {
			t.Error("it watches")
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := a.Grant(NewGrantID()).Token(t.Context()); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		synctest.Wait()
		if store.watched != 0 {
			t.Error("it watches after Close")
		}
	})
}

// hintingStore has somebody told of a refresh as soon as it is written, and
// acknowledges it when they have heard.
type hintingStore struct {
	*MemoryStore
	written func(GrantID)
	late    bool // whoever reads then is answered when the test says so
	hold    atomic.Pointer[chan struct{}]
	answer  chan struct{}
}

func (s *hintingStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	stored, err := s.MemoryStore.Swap(ctx, old, row)
	if err != nil || row.Generation < 2 {
		return stored, err
	}
	if s.late {
		s.hold.Store(&s.answer)
	}
	s.written(row.GrantID)
	synctest.Wait()
	return stored, nil
}

func (s *hintingStore) Load(ctx context.Context, id GrantID) (Row, error) {
	row, err := s.MemoryStore.Load(ctx, id)
	if hold := s.hold.Swap(nil); hold != nil {
		<-*hold
	}
	return row, err
}

// A process that hears of its own refresh has adopted nothing, and of another's
// it tells once.
func TestRefreshesAreToldOfOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		late, others bool
		want         EventKind
	}{
		{false, false, EventRefreshed},
		{true, false, EventRefreshed},
		{false, true, EventAdopted},
		{true, true, EventAdopted},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &hintingStore{MemoryStore: NewMemoryStore(), late: c.late, answer: make(chan struct{})}
			p := newFakeProvider()
			a, id := signedIn(t, p, store, 15*time.Minute)
			store.written = a.changed
			var mu sync.Mutex
			var kinds []EventKind
			a.config.OnTokenChange = func(_ context.Context, e TokenEvent) {
				mu.Lock()
				defer mu.Unlock()
				kinds = append(kinds, e.Kind)
			}
			if _, err := a.Grant(id).Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if c.others {
				if _, err := newTestApp(t, p, store).Grant(id).Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := a.Grant(id).live().newer(t.Context(), aim{known: 1, past: true}); err != nil {
				t.Fatal(err)
			}
			close(store.answer)
			synctest.Wait()
			if !slices.Equal(kinds, []EventKind{c.want}) || len(p.sent()) != 1 {
				t.Errorf("%+v: %v after %q", c, kinds, p.sent())
			}
		})
	}
}
