package oauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// within is how soon what others do to a grant reaches a process.
const within = 30 * time.Second

// What another process does to a grant reaches this one, however seldom the
// grant is used, and though its access token lives for minutes more.
func TestOthersAreHeardOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		do   func(*Grant, context.Context) error
		good func(token string, err error) bool
	}{
		{"revoked", (*Grant).Revoke, func(_ string, err error) bool { return errors.Is(err, ErrRevoked) }},
		{"lost", func(g *Grant, ctx context.Context) error {
			_, err := g.app().change(ctx, g.ID(), func(r *Row) bool { r.State, r.Reason = StateNeedsReauth, ReasonRevoked; return true })
			return err
		}, func(_ string, err error) bool { return errors.Is(err, ErrNeedsReauth) }},
		{"erased", func(g *Grant, ctx context.Context) error { return g.app().erase(ctx, g.ID()).Err }, func(_ string, err error) bool { return errors.Is(err, ErrNoGrant) }},
		{"rotated", func(g *Grant, ctx context.Context) error { _, err := g.Refresh(ctx); return err }, func(token string, err error) bool { return token == "at-2" && err == nil }},
	} {
		for _, every := range []time.Duration{10 * time.Millisecond, 3 * time.Second, 13 * time.Second, 29 * time.Second, within} {
			t.Run(fmt.Sprintf("%s/used every %v", c.what, every), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store := NewMemoryStore()
					p := newFakeProvider()
					a, id := signedIn(t, p, store, 15*time.Minute)
					g, other := a.Grant(id), newTestApp(t, p, store)
					for range time.Minute / every {
						if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
							t.Fatal(tok, err)
						}
						time.Sleep(every)
					}
					if err := c.do(other.Grant(id), t.Context()); err != nil {
						t.Fatal(err)
					}
					done := time.Now()
					for time.Since(done) < within {
						_, _ = g.Token(t.Context())
						time.Sleep(min(every, within-time.Since(done)))
					}
					token, err := accessToken(t, g)
					if !c.good(token, err) {
						t.Errorf("after %v: %q, %v", time.Since(done), token, err)
					}
				})
			})
		}
	}
}

func accessToken(t *testing.T, g *Grant) (string, error) {
	t.Helper()
	tok, err := g.Token(t.Context())
	if err != nil {
		return "", err
	}
	return tok.AccessToken, nil
}

// slowStore takes its time, or fails, and counts who waits.
type slowStore struct {
	*MemoryStore
	takes   atomic.Int64 // nanoseconds of a Load
	down    atomic.Bool
	loads   atomic.Int64
	waiting atomic.Int64
	most    atomic.Int64
}

func (s *slowStore) Load(ctx context.Context, id GrantID) (Row, error) {
	s.loads.Add(1)
	n := s.waiting.Add(1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); {
		most = s.most.Load()
	}
	defer s.waiting.Add(-1)
	select {
	case <-time.After(time.Duration(s.takes.Load())):
	case <-ctx.Done():
		return Row{}, ctx.Err()
	}
	if s.down.Load() {
		return Row{}, errCut
	}
	return s.MemoryStore.Load(ctx, id)
}

// While the store is away, whoever has a live access token does not notice:
// nobody waits, and there is no crowd of loads. What happened meanwhile is
// heard of once it is back.
func TestStoreAwayUnderLoad(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{0, time.Hour} { // it refuses, or hangs
		t.Run(fmt.Sprintf("a load takes %v", takes), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &slowStore{MemoryStore: NewMemoryStore()}
				store.takes.Store(int64(time.Millisecond))
				a := newTestApp(t, newFakeProvider(), store)
				grants := longGrants(t, a, 300)
				var waited, failed atomic.Int64
				use := func(until time.Duration) {
					var users sync.WaitGroup
					for i, g := range grants {
						users.Go(func() {
							time.Sleep(time.Duration(i) * time.Second / 300)
							for end := time.Now().Add(until); time.Now().Before(end); time.Sleep(time.Second) {
								start := time.Now()
								if _, err := g.Token(t.Context()); err != nil {
									failed.Add(1)
								}
								if time.Since(start) > 10*time.Millisecond {
									waited.Add(1)
								}
							}
						})
					}
					users.Wait()
				}
				use(time.Minute)
				store.takes.Store(int64(takes))
				store.down.Store(true)
				before := store.loads.Load()
				use(5 * time.Minute)
				if failed.Load() != 0 || waited.Load() != 0 {
					t.Errorf("%d calls failed and %d waited", failed.Load(), waited.Load())
				}
				if n := store.loads.Load() - before; n > 5*60+2*confirmsAtOnce || store.most.Load() > confirmsAtOnce {
					t.Errorf("%d loads in five minutes, %d at once", n, store.most.Load())
				}
				store.takes.Store(int64(time.Millisecond))
				store.down.Store(false)
				if err := newTestApp(t, newFakeProvider(), store.MemoryStore).Grant(grants[7].ID()).Revoke(t.Context()); err != nil {
					t.Fatal(err)
				}
				use(within)
				if failed.Load() == 0 || waited.Load() != 0 {
					t.Errorf("%d calls failed, %d waited", failed.Load(), waited.Load())
				}
				failed.Store(0)
				use(10 * time.Second)
				if got := failed.Load(); got != 10 { // the revoked grant's
					t.Errorf("%d calls failed after the store was back", got)
				}
			})
		})
	}
}

// longGrants signs users in for an hour.
func longGrants(t *testing.T, a *App, n int) []*Grant {
	t.Helper()
	grants := make([]*Grant, n)
	for i := range grants {
		id, err := a.createGrant(t.Context(), &answer{Issued: time.Now().Round(0), AccessToken: "at", RefreshToken: "rt", Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		grants[i] = a.Grant(id)
	}
	return grants
}

// However many use a grant at once, one look is under way, and their contexts
// are their own.
func TestLooksAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{MemoryStore: NewMemoryStore()}
		a := newTestApp(t, newFakeProvider(), store)
		g := longGrants(t, a, 1)[0]
		for round := range 3 {
			if _, err := g.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			store.takes.Store(int64(500 * time.Millisecond))
			before := store.loads.Load()
			var users sync.WaitGroup
			for i := range 1000 {
				users.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if i == 0 {
						cancel()
					}
					if _, err := g.Token(ctx); (err != nil) != (i == 0) {
						t.Errorf("caller %d: %v", i, err)
					}
				})
			}
			users.Wait()
			if n := store.loads.Load() - before; n != 1 {
				t.Errorf("round %d: %d loads", round, n)
			}
		}
	})
}

// A row that cannot be read takes no live token away.
func TestCorruptRowTakesNoTokenAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := NewMemoryStore()
		a := newTestApp(t, newFakeProvider(), store)
		g := longGrants(t, a, 1)[0]
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		row := store.rows[g.ID()]
		row.Generation, row.Sealed = 2, []byte("garbage")
		store.rows[g.ID()] = row
		for range 10 {
			time.Sleep(time.Minute)
			if _, err := g.Token(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// Close ends a look that hangs, and the next use starts none.
func TestCloseEndsLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{MemoryStore: NewMemoryStore()}
		a := newTestApp(t, newFakeProvider(), store)
		g := longGrants(t, a, 1)[0]
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.takes.Store(int64(time.Hour))
		time.Sleep(20 * time.Second) // due, and nobody waits
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := a.Close(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("Close took %v: %v", time.Since(start), err)
		}
		time.Sleep(time.Minute)
		if _, err := g.Token(t.Context()); err != nil {
			t.Error("the token still serves:", err)
		}
	})
}

// A backup that is restored while a token lives is found out before the token
// expires, by a process that remembers what the store has forgotten.
func TestLookFindsARestoredBackup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, p := NewMemoryStore(), newFakeProvider()
		a, id := signedIn(t, p, store, 15*time.Minute)
		g := a.Grant(id)
		backup := store.rows[id].clone()
		time.Sleep(time.Minute)
		if _, err := g.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		backup.Version = "of the backup"
		store.rows[id] = backup
		for start := time.Now(); time.Since(start) < within; time.Sleep(time.Second) {
			if token, err := accessToken(t, g); token != "at-2" || err != nil {
				t.Fatal(token, err)
			}
		}
		if row, held := rowOf(t, a, id); row.Generation != 2 || held.Refresh != "rt-2" || row.DoubtGen != 2 || len(p.sent()) != 1 {
			t.Errorf("generation %d, doubt %d, %s, after %q", row.Generation, row.DoubtGen, held.Refresh, p.sent())
		}
	})
}
