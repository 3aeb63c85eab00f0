package oauth

import (
	"context"
	"errors"
	"sync"
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
