package oauth

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		g := a.Grant(id)
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second finds it done
			if err := g.Revoke(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := g.Token(t.Context()); !errors.Is(err, ErrRevoked) {
			t.Error("Token after Revoke:", err)
		}
		if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrRevoked) {
			t.Error("Refresh after Revoke:", err)
		}
		row, _ := rowOf(t, a, id)
		if row.State != StateTombstone || row.Reason != ReasonConfirmed || !slices.Equal(p.revocations(), []string{"rt-1"}) {
			t.Errorf("%s (%s), revoked %q", row.State, row.Reason, p.revocations())
		}
	})
}

// A refresh under way when the user signs out: its pair is revoked, not kept.
func TestRevokeDuringARefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		p.latency = 4 * time.Second
		a, id := signedIn(t, p, store, 15*time.Minute)
		other := newTestApp(t, p, store)
		time.Sleep(time.Minute)
		refreshed := make(chan error, 1)
		go func() { _, err := a.Grant(id).Refresh(t.Context()); refreshed <- err }()
		time.Sleep(3 * time.Second) // rotated, not answered
		if err := other.Grant(id).Revoke(t.Context()); err != nil {
			t.Error("Revoke:", err)
		}
		if err := <-refreshed; !errors.Is(err, ErrRevoked) {
			t.Error("the refresh:", err)
		}
		row, _ := rowOf(t, a, id)
		if row.State != StateTombstone || row.Reason != ReasonConfirmed || row.Generation != 1 || !slices.Contains(p.revocations(), "rt-2") {
			t.Errorf("%s (%s) at generation %d, revoked %q", row.State, row.Reason, row.Generation, p.revocations())
		}
	})
}

// A refresh that was never answered may have left a token we do not know.
func TestRevokeInDoubtIsNotConfirmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.script = []behaviour{{err: errCut}}
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		time.Sleep(time.Minute)
		if _, err := a.Grant(id).Refresh(t.Context()); !errors.Is(err, ErrInDoubt) {
			t.Fatal(err)
		}
		if err := a.Grant(id).Revoke(t.Context()); err == nil {
			t.Error("Revoke says that all is gone")
		}
		if row, _ := rowOf(t, a, id); row.State != StateTombstone || row.Reason != ReasonUnreachable {
			t.Errorf("%s (%s)", row.State, row.Reason)
		}
	})
}

// After a failover the store's clock may be another one and an intent may be
// forgotten: Revoke waits a send budget at most and promises nothing.
func TestRevokeAfterAFailover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*Row)
	}{
		{"nothing in the row", func(*Row) {}},
		{"an intent of another clock", func(r *Row) {
			r.Intent = &Intent{ID: "old", Base: 1, Deadline: r.Now.Add(1000 * time.Hour)}
		}},
		{"revoked before the failover", func(r *Row) {
			r.State, r.Reason = StateTombstone, ReasonPending
			r.Intent = &Intent{ID: "old", Base: 1, Deadline: r.Now.Add(1000 * time.Hour)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, store := newFakeProvider(), NewMemoryStore()
				a, id := signedIn(t, p, store, 15*time.Minute)
				if _, err := a.change(t.Context(), id, func(r *Row) bool { c.edit(r); return true }); err != nil {
					t.Fatal(err)
				}
				store.run = "another"
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := a.Grant(id).Revoke(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if row, _ := rowOf(t, a, id); row.State != StateTombstone || row.Reason != ReasonUnreachable || len(p.revocations()) != 1 {
					t.Errorf("%s (%s), revoked %q", row.State, row.Reason, p.revocations())
				}
			})
		})
	}
}

// A store that forgets a tombstone is reminded by the process that wrote it.
func TestTombstoneIsWrittenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, store, 15*time.Minute)
		before, _ := rowOf(t, a, id)
		if err := a.Grant(id).Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, _ := rowOf(t, a, id)
		if _, err := store.Swap(t.Context(), now.Version, before); err != nil { // a failover
			t.Fatal(err)
		}
		failOver(store)
		if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.State != StateTombstone || row.Reason != ReasonPending || len(p.sent()) != 0 {
			t.Errorf("%s (%s), token POSTs %q", row.State, row.Reason, p.sent())
		}
	})
}
