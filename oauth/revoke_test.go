package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
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
		time.Sleep(time.Minute) // the provider is told again, once whatever was under way has drained
		row, _ := rowOf(t, a, id)
		if told := p.revocations(); row.State != StateTombstone || row.Reason != ReasonUnreachable || len(p.sent()) != 0 || !slices.Equal(told, []string{"rt-1", "rt-1"}) {
			t.Errorf("%s (%s), revoked %q, token POSTs %q", row.State, row.Reason, told, p.sent())
		}
	})
}

// A tombstone that a failover forgot is written again as soon as its process
// notices the failover, whatever it looked for: others would serve the grant.
func TestForgottenTombstoneIsServedByNobody(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} { // the acknowledgement, until after the failover
		synctest.Test(t, func(t *testing.T) {
			p, store := newFakeProvider(), &slowAckStore{MemoryStore: NewMemoryStore(), slow: func(r Row) bool { return r.State == StateTombstone }}
			a, id := signedIn(t, p, store, 15*time.Minute)
			another := longGrants(t, a, 1)[0]
			b := newTestApp(t, p, store.MemoryStore)
			before := store.rows[id].clone()
			revoked := make(chan error, 1)
			store.wait(late)
			go func() { revoked <- a.Grant(id).Revoke(t.Context()) }()
			synctest.Wait()
			if !late {
				if err := <-revoked; err != nil {
					t.Fatal(err)
				}
			}
			store.rows[id] = before // the replica that takes over lacks the last second
			failOver(store.MemoryStore)
			if _, err := another.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			store.goOn()
			synctest.Wait()
			if late {
				if err := <-revoked; !errors.Is(err, errUnheard) {
					t.Error(err)
				}
			}
			if tok, err := b.Grant(id).Token(t.Context()); !errors.Is(err, ErrRevoked) || len(p.sent()) != 0 {
				t.Errorf("late %v: another process serves %v (%v)", late, tok, err)
			}
			if err := a.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who waits for a refresh in the background while the grant is revoked gets no
// token that is none.
func TestRevokeWhileARefreshInTheBackgroundReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &slowReadStore{MemoryStore: NewMemoryStore()}
		p.script = []behaviour{{err: errCut}}
		a, id := signedIn(t, p, store, 15*time.Minute)
		g := a.Grant(id)
		time.Sleep(14*time.Minute - 5*time.Second)
		if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrInDoubt) {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		g.live().confirm(time.Now()) // so that the next who reads is the flight
		goOn := store.hold()
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() {
			_, err := g.Refresh(t.Context())
			got <- err
		}()
		synctest.Wait()
		revoked := make(chan error, 1)
		go func() { revoked <- a.Grant(id).Revoke(t.Context()) }()
		synctest.Wait()
		close(goOn)
		if err := <-got; !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
		if err := <-revoked; !errors.Is(err, errUnheard) {
			t.Error(err)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// slowReadStore holds back the answer of one read.
type slowReadStore struct {
	*MemoryStore
	mu   sync.Mutex
	next chan struct{}
}

func (s *slowReadStore) hold() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = make(chan struct{})
	return s.next
}

func (s *slowReadStore) Load(ctx context.Context, id GrantID) (Row, error) {
	row, err := s.MemoryStore.Load(ctx, id)
	s.mu.Lock()
	wait := s.next
	s.next = nil
	s.mu.Unlock()
	if wait != nil {
		<-wait
	}
	return row, err
}

// Whoever is told that the grant may be as it was can rely on the rest.
func TestRevokeCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, newFakeProvider(), store, 15*time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		store.set(func(int, Row) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		})
		if err := a.Grant(id).Revoke(ctx); !errors.Is(err, ErrStoreUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		store.set(nil)
		if row, _ := rowOf(t, a, id); row.State != StateActive {
			t.Error(row.State)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := a.Grant(id).Revoke(t.Context()); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}

// What the provider was told of is what is confirmed. Here the row that is
// revoked is an old one, and while the provider answers, another process writes
// back a newer one.
func TestConfirmedIsTheNewest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, store, 15*time.Minute)
		before := store.rows[id].clone()
		time.Sleep(16 * time.Minute)
		if _, err := a.Grant(id).Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.rows[id] = before // without another run
		answered := sync.OnceFunc(func() {
			if _, err := a.Grant(id).Refresh(t.Context()); !errors.Is(err, ErrRevoked) {
				t.Error(err)
			}
		})
		b := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := p.RoundTrip(r)
			if strings.HasSuffix(r.URL.Path, "/revoke") {
				answered()
			}
			return resp, err
		}), store)
		revokeErr := b.Grant(id).Revoke(t.Context())
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		row, held := rowOf(t, a, id)
		if told := p.revocations(); row.State != StateTombstone || row.Generation != 2 || !slices.Contains(told, held.Refresh) || !slices.Contains(told, "rt-1") {
			t.Errorf("%v: %s (%s) at generation %d, revoked %q", revokeErr, row.State, row.Reason, row.Generation, told)
		}
	})
}

// What is confirmed is judged by the row as it is by then. Here the tombstone is
// forgotten before the provider is told of it, and while it answers, the
// process that noticed has written a new one, of a grant that is in doubt now.
func TestConfirmedIsNotInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &meddledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, 15*time.Minute)
		before := store.rows[id].clone()
		store.nth, store.act = store.reads.Load()+2, func() { // the first is that of what is buried
			store.rows[id] = before
			failOver(store.MemoryStore)
		}
		if err := a.Grant(id).Revoke(t.Context()); !errors.Is(err, errUnheard) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if row, _ := rowOf(t, a, id); row.State != StateTombstone || row.Reason != ReasonUnreachable || row.DoubtGen != 1 {
			t.Errorf("%s (%s), doubt %d, revoked %q", row.State, row.Reason, row.DoubtGen, p.revocations())
		}
	})
}

// An intent that is withdrawn between two attempts to record what the provider
// said leaves no doubt.
func TestConfirmedOnceTheIntentIsWithdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, 15*time.Minute)
		set := func(intent *Intent) {
			row, _ := rowOf(t, a, id)
			row.Intent = intent
			if _, err := store.MemoryStore.Swap(t.Context(), row.Version, row); err != nil {
				t.Error(err)
			}
		}
		set(&Intent{ID: newIntentID(), Base: 1, Deadline: time.Now().Add(defaultSendBudget)})
		store.set(func(n int, _ Row) (bool, error) {
			if n == 2 { // the first is that of the tombstone
				set(nil)
			}
			return true, nil
		})
		if err := a.Grant(id).Revoke(t.Context()); err != nil {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.Reason != ReasonConfirmed || store.swaps != 3 || !slices.Equal(p.revocations(), []string{"rt-1"}) {
			t.Errorf("%s (%s) after %d writes, revoked %q", row.State, row.Reason, store.swaps, p.revocations())
		}
	})
}

// A tombstone is told of also where ctx ends before the provider is.
func TestRevocationIsToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.latency = 4 * time.Second
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		var events []TokenEvent
		a.config.OnTokenChange = func(_ context.Context, e TokenEvent) { events = append(events, e) }
		time.Sleep(time.Minute)
		refreshed := make(chan error, 1)
		go func() { _, err := a.Grant(id).Refresh(t.Context()); refreshed <- err }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Grant(id).Revoke(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if len(events) != 1 || events[0].Kind != EventRevoked || events[0].Reason != ReasonPending {
			t.Errorf("%+v", events)
		}
		if err := <-refreshed; !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
	})
}

// What the provider has been told is recorded, also if ctx ended meanwhile.
func TestToldIsRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.latency = 10 * time.Second
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		var events []TokenEvent
		a.config.OnTokenChange = func(_ context.Context, e TokenEvent) { events = append(events, e) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Grant(id).Revoke(ctx); err != nil {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.Reason != ReasonConfirmed || !slices.Equal(p.revocations(), []string{"rt-1"}) {
			t.Errorf("%s (%s), revoked %q", row.State, row.Reason, p.revocations())
		}
		if len(events) != 1 || events[0].Reason != ReasonConfirmed {
			t.Errorf("%+v", events)
		}
	})
}
