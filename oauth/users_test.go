package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// signedInAs adds n grants of a user.
func signedInAs(t *testing.T, a *App, subject string, n int) []*Grant {
	t.Helper()
	grants := manyGrants(t, a, n)
	for _, g := range grants {
		if err := a.setSubject(t.Context(), g.ID(), subject); err != nil {
			t.Fatal(err)
		}
	}
	return grants
}

// listed are the ids that Grants yields, in order.
func listed(t *testing.T, a *App, subject string) []GrantID {
	t.Helper()
	var ids []GrantID
	for info, err := range a.Grants(t.Context(), subject) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, info.GrantID)
	}
	slices.Sort(ids)
	return ids
}

func idsOf(grants ...*Grant) []GrantID {
	var ids []GrantID
	for _, g := range grants {
		ids = append(ids, g.ID())
	}
	slices.Sort(ids)
	return ids
}

func TestGrantsOfAUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &troubledStore{MemoryStore: NewMemoryStore()}
		a := newTestApp(t, newFakeProvider(), store)
		mine, theirs := signedInAs(t, a, "156", 3), signedInAs(t, a, "257", 2)
		foreign := Row{GrantID: NewGrantID(), App: "another", Subject: "156", Generation: 1, State: StateActive}
		if _, err := store.Swap(t.Context(), "", foreign); err != nil {
			t.Fatal(err)
		}
		if err := mine[0].Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, a, "156"); !slices.Equal(got, idsOf(mine...)) {
			t.Error(got)
		}
		if got := listed(t, a, ""); !slices.Equal(got, idsOf(slices.Concat(mine, theirs)...)) {
			t.Error(got)
		}
		for info, err := range a.Grants(t.Context(), "257") { // and the iteration may be left
			if err != nil || info.Subject != "257" || info.State != StateActive || info.Generation != 1 {
				t.Error(info, err)
			}
			break
		}
	})
}

func TestErase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a := newTestApp(t, p, NewMemoryStore())
		mine, theirs := signedInAs(t, a, "156", 3), signedInAs(t, a, "257", 1)
		for range 2 { // the second time there is nothing left
			erased, err := a.Erase(t.Context(), "156")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range erased {
				if e.Reason != ReasonConfirmed || e.Err != nil {
					t.Errorf("%+v", e)
				}
			}
			if len(listed(t, a, "156")) != 0 || len(p.revocations()) != 3 {
				t.Errorf("left %v, revoked %v", listed(t, a, "156"), p.revocations())
			}
		}
		if _, err := mine[0].Token(t.Context()); !errors.Is(err, ErrNoGrant) && !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
		if got := listed(t, a, ""); !slices.Equal(got, idsOf(theirs...)) {
			t.Error("other users:", got)
		}
		if _, err := a.Erase(t.Context(), ""); err == nil {
			t.Error("an empty subject erases somebody")
		}
	})
}

// What the provider could not be told of stays, and can be erased later.
func TestEraseWithoutTheProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		down := errCut
		a := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			if down != nil {
				return nil, down
			}
			return p.RoundTrip(r)
		}), NewMemoryStore())
		grants := signedInAs(t, a, "156", 2)
		erased, err := a.Erase(t.Context(), "156")
		if err == nil || len(erased) != 2 || erased[0].Err == nil || erased[0].Reason != ReasonUnreachable {
			t.Errorf("%+v, %v", erased, err)
		}
		if got := states(t, grants); got[StateTombstone] != 2 {
			t.Error(got)
		}
		down = nil
		if erased, err = a.Erase(t.Context(), "156"); err != nil || len(erased) != 2 || len(p.revocations()) != 2 {
			t.Errorf("%+v, %v; revoked %v", erased, err, p.revocations())
		}
		if left := listed(t, a, "156"); len(left) != 0 {
			t.Error(left)
		}
	})
}

// A token that never reached us can be revoked by nobody: the row goes, and
// the result says so.
func TestEraseInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.script = []behaviour{{err: errCut}}
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		if err := a.setSubject(t.Context(), id, "156"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, ErrInDoubt) {
			t.Fatal(err)
		}
		erased, err := a.Erase(t.Context(), "156")
		if err != nil || len(erased) != 1 || erased[0].Reason != ReasonUnreachable || len(listed(t, a, "")) != 0 {
			t.Errorf("%+v, %v; left %v", erased, err, listed(t, a, ""))
		}
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		state State
		why   Reason
		age   time.Duration
		goes  bool
	}{
		{"in use", StateActive, "", day, false},
		{"idle", StateActive, "", 89 * day, false},
		{"expired unused", StateActive, "", 91 * day, true},
		{"revoked lately", StateTombstone, ReasonConfirmed, day, false},
		{"revoked", StateTombstone, ReasonConfirmed, 31 * day, true},
		{"the provider was not told", StateTombstone, ReasonPending, 31 * day, false},
		{"the provider was not reached", StateTombstone, ReasonUnreachable, 31 * day, false},
		{"there is nothing left to tell it", StateTombstone, ReasonUnreachable, 91 * day, true},
		{"lost lately", StateNeedsReauth, ReasonLostInFlight, day, false},
		{"lost", StateNeedsReauth, ReasonLostInFlight, 31 * day, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newTestApp(t, newFakeProvider(), NewMemoryStore())
				g := manyGrants(t, a, 1)[0]
				if _, err := a.change(t.Context(), g.ID(), func(r *Row) bool { r.State, r.Reason = c.state, c.why; return true }); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.age)
				n, err := a.Purge(t.Context(), 30*day)
				if err != nil || (n == 1) != c.goes || (len(listed(t, a, "")) == 0) != c.goes {
					t.Errorf("purged %d, %v; want it to go: %t", n, err, c.goes)
				}
			})
		})
	}
}

// A hook may call back: it runs after the commit, outside all locks.
func TestHookCallsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, id := signedIn(t, newFakeProvider(), NewMemoryStore(), time.Minute)
		var heard []EventKind
		a.config.OnTokenChange = func(ctx context.Context, e TokenEvent) {
			heard = append(heard, e.Kind)
			g := a.Grant(e.GrantID)
			_, err := g.Token(ctx)
			if revoked := e.Kind == EventRevoked; revoked != errors.Is(err, ErrRevoked) {
				t.Errorf("at %s: %v", e.Kind, err)
			}
			if info, err := g.Info(ctx); err != nil || info.Generation != e.Generation {
				t.Errorf("at %s: generation %d, %v; the event says %d", e.Kind, info.Generation, err, e.Generation)
			}
			if e.Kind == EventRefreshed {
				if err := g.Revoke(ctx); err != nil {
					t.Error(err)
				}
			}
			squeeze(a.grants)
		}
		time.Sleep(2 * time.Minute)
		if _, err := a.Grant(id).Token(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // the hooks are on goroutines of their own
		synctest.Wait()
		if want := []EventKind{EventRefreshed, EventRevoked}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

// meddledStore has somebody act before the nth read.
type meddledStore struct {
	*MemoryStore
	reads atomic.Int64
	nth   int64
	act   func()
}

func (s *meddledStore) Load(ctx context.Context, id GrantID) (Row, error) {
	if s.reads.Add(1) == s.nth {
		s.act()
	}
	return s.MemoryStore.Load(ctx, id)
}

// Of two that erase a user at once both find that nothing is left, wherever the
// one overtakes the other.
func TestTwoErasures(t *testing.T) {
	t.Parallel()
	for nth := int64(1); ; nth++ {
		overtaken := false
		synctest.Test(t, func(t *testing.T) {
			store := &meddledStore{MemoryStore: NewMemoryStore()}
			a := newTestApp(t, newFakeProvider(), store)
			signedInAs(t, a, "156", 1)
			other := newTestApp(t, newFakeProvider(), store.MemoryStore)
			store.nth = store.reads.Load() + nth
			store.act = func() {
				overtaken = true
				if _, err := other.Erase(t.Context(), "156"); err != nil {
					t.Error(err)
				}
			}
			all, err := a.Erase(t.Context(), "156")
			if left := len(listed(t, a, "156")); left != 0 || err != nil || len(all) != 1 {
				t.Errorf("overtaken at read %d: %d left of %v, %v", nth, left, all, err)
			}
		})
		if !overtaken {
			if nth < 5 {
				t.Errorf("it takes %d reads", nth-1)
			}
			return
		}
	}
}
