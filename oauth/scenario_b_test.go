package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Group B: several processes.

func TestScenario11_TwoProcessesOneExpiry(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		processes := []*Grant{s.grant, s.process(s.store).Grant(s.grant.ID())}
		s.fault(emulator.Fault{Delay: 300 * time.Millisecond, Times: 2})
		s.expire()
		var wg sync.WaitGroup
		for i := range 400 {
			wg.Go(func() { s.served(processes[i%2]) })
		}
		wg.Wait()
		s.ends(ending{posts: 1, generation: 2})
		s.lives()

		x := s.xoauth2() // each process started from the same stored token
		first, second := x.source(), x.source()
		if _, err := first.Token(); err != nil {
			t.Fatal(err)
		}
		x.lost(second)
	})
}

func TestScenario12_LoserReadsAStaleCopy(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		winner := s.process(s.store.MemoryStore).Grant(s.grant.ID())
		s.expire()
		s.store.set(func(n int, _ Row) (bool, error) {
			if n == 1 { // the loser has read and is about to announce
				s.served(winner)
			}
			return true, nil
		})
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

func TestScenario13_ReloadingAFileWithoutALock(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		other := s.process(s.store.MemoryStore).Grant(s.grant.ID())
		for round := range 3 {
			s.expire()
			go s.grant.Token(t.Context()) //nolint:errcheck // looked at in the row
			s.served(other)
			synctest.Wait()
			s.ends(ending{posts: round + 1, generation: uint64(round + 2)})
		}

		x := s.xoauth2()
		first, second := x.source(), x.source() // both have reloaded
		tok, err := first.Token()
		if err != nil {
			t.Fatal(err)
		}
		x.stored = tok.RefreshToken // and saved
		x.lost(second)
	})
}

// There is no lock beside the intent: who dies before announcing leaves nothing.
func TestScenario14_HolderDiesBeforeAnnouncing(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		s.store.set(func(int, Row) (bool, error) { return false, nil })
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrStoreUnavailable) {
			t.Error(err)
		}
		began := time.Now()
		s.served(s.process(s.store.MemoryStore).Grant(s.grant.ID()))
		if took := time.Since(began); took != 0 {
			t.Errorf("the next process waited %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

func TestScenario15_HolderDiesAfterSending(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		s.dies(true)
		began := time.Now()
		reauth, ok := errors.AsType[*ReauthError](second(s.grant.Token(t.Context())))
		if !ok || reauth.Reason != ReasonLostInFlight {
			t.Error(reauth)
		}
		if took := time.Since(began); took != defaultSendBudget+defaultDrainMargin {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 2, reuses: 1, generation: 1, state: StateNeedsReauth, reason: ReasonLostInFlight})
	})
}

// The deadline bounds the sending; the margin after it covers the answer.
func TestScenario16_DeadlinePassesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		other := s.process(s.store).Grant(s.grant.ID())
		s.fault(emulator.Fault{After: true, Delay: defaultSendBudget + defaultDrainMargin/2})
		s.expire()
		var wg sync.WaitGroup
		for _, g := range []*Grant{s.grant, other} {
			wg.Go(func() { s.served(g) })
		}
		wg.Wait()
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

// At a provider that only rejects a replay, an answer later than all margins
// is still the live pair, and is committed over the loss that was recorded.
func TestScenario17_OldHolderCommitsLate(t *testing.T) {
	t.Parallel()
	playAt(t, emulator.ReuseReject, func(t *testing.T, s *scene) {
		other := s.process(s.store).Grant(s.grant.ID())
		s.fault(emulator.Fault{After: true, Delay: 40 * time.Second})
		s.expire()
		first := make(chan error, 1)
		go func() { first <- second(s.grant.Token(t.Context())) }()
		synctest.Wait()
		if err := second(other.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
			t.Error("the prober:", err)
		}
		s.ends(ending{posts: 2, reuses: 1, generation: 1, state: StateNeedsReauth, reason: ReasonLostInFlight})
		if err := <-first; err != nil {
			t.Error("the late one:", err)
		}
		s.served(other)
		s.ends(ending{posts: 2, reuses: 1, generation: 2})
		s.lives()
	})
}

// lockingStore locks flights, or fails to.
type lockingStore struct {
	*MemoryStore
	err error
}

func (l *lockingStore) LockFlight(context.Context, GrantID) (func(), error) {
	return func() {}, l.err
}

// The lock is down while the store is up: nothing is sent without it.
func TestScenario18_LockIsDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ lock, want error }{
		"broken":             {errors.New("the lock is gone"), ErrStoreUnavailable},
		"held and held on":   {ErrFlightLocked, ErrInDoubt},
		"refused for a user": {fmt.Errorf("store: %w", ErrNotWritten), ErrStoreUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				store := &lockingStore{s.store.MemoryStore, c.lock}
				g := s.process(store).Grant(s.grant.ID())
				for range 14 {
					s.served(g)
					time.Sleep(time.Minute)
				}
				time.Sleep(2 * time.Minute)
				for range 3 {
					if err := second(g.Token(t.Context())); !errors.Is(err, c.want) || errors.Is(err, ErrNeedsReauth) {
						t.Error(err)
					}
					time.Sleep(time.Minute)
				}
				s.ends(ending{generation: 1})
				store.err = nil
				s.served(g)
				s.ends(ending{posts: 1, generation: 2})
			})
		})
	}
}

// laggingStore reads what a replica has that is behind.
type laggingStore struct {
	*MemoryStore
	mu    sync.Mutex
	old   *Row
	until time.Time
	reads int // that were answered with old
}

func (l *laggingStore) Load(ctx context.Context, id GrantID) (Row, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	row, err := l.MemoryStore.Load(ctx, id)
	if err == nil && time.Now().Before(l.until) {
		l.reads++
		old := l.old.clone()
		old.Now, old.StoreRun = row.Now, row.StoreRun
		return old, nil
	}
	return row, err
}

func TestScenario19_ReplicaLag(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		old := s.row(s.grant)
		s.served(s.grant)
		lagging := &laggingStore{MemoryStore: s.store.MemoryStore, old: &old, until: time.Now().Add(2 * time.Second)}
		s.served(s.process(lagging).Grant(s.grant.ID()))
		if lagging.reads < 2 || lagging.reads > 20 {
			t.Errorf("an old row was read %d times", lagging.reads)
		}
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

func TestScenario19_SignOutThroughALaggingReplica(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		old := s.row(s.grant)
		s.served(s.grant)
		lagging := &laggingStore{MemoryStore: s.store.MemoryStore, old: &old, until: time.Now().Add(2 * time.Second)}
		if err := s.process(lagging).Grant(s.grant.ID()).Revoke(t.Context()); err != nil {
			t.Error(err)
		}
		if lagging.reads < 2 || lagging.reads > 20 {
			t.Errorf("an old row was read %d times", lagging.reads)
		}
		s.ends(ending{posts: 1, generation: 2, state: StateTombstone, reason: ReasonConfirmed})
	})
}

// skewedStore has a clock of its own, as a database server does.
type skewedStore struct {
	*MemoryStore
	ahead time.Duration
}

func (s skewedStore) Load(ctx context.Context, id GrantID) (Row, error) {
	row, err := s.MemoryStore.Load(ctx, id)
	row.Now = row.Now.Add(s.ahead)
	return row, err
}

func (s skewedStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	row, err := s.MemoryStore.Swap(ctx, old, row)
	row.Now = row.Now.Add(s.ahead)
	return row, err
}

func TestScenario20_ClocksDiffer(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				store := skewedStore{s.store.MemoryStore, ahead}
				one, two := s.process(store).Grant(s.grant.ID()), s.process(store).Grant(s.grant.ID())
				s.fault(emulator.Fault{Kind: emulator.Drop}) // before it took effect
				s.expire()
				if err := second(one.Token(t.Context())); !errors.Is(err, ErrInDoubt) {
					t.Error(err)
				}
				began := time.Now()
				s.served(two)
				if took := time.Since(began); took != defaultSendBudget+defaultDrainMargin {
					t.Errorf("the probe came after %v", took)
				}
				s.ends(ending{posts: 2, generation: 2})
				s.served(one)
				s.ends(ending{posts: 2, generation: 2})
			})
		})
	}
}

func TestScenario21_RowOfAnotherVersion(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		row := s.row(s.grant)
		row.Sealed = append([]byte{'9'}, row.Sealed[1:]...)
		before, err := s.store.MemoryStore.Swap(t.Context(), row.Version, row)
		if err != nil {
			t.Fatal(err)
		}
		s.expire()
		for range 3 {
			if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrCorruptRow) || errors.Is(err, ErrNeedsReauth) {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		s.ends(ending{generation: 1})
		if s.row(s.grant).Version != before.Version {
			t.Error("the row was written")
		}
	})
}

// A backup was restored whose refresh token is long consumed. The process that
// knows better writes back what it knows, and nothing is lost.
func TestScenario22_BackupRestored(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.rotatedAndRestored(t)
		fresh := s.process(s.store).Grant(s.grant.ID())
		if info, err := s.grant.Info(t.Context()); err != nil || info.Generation != 1 {
			t.Fatal(info, err) // it is noticed here
		}
		synctest.Wait()
		s.served(fresh)
		s.ends(ending{posts: 1, generation: 2})
		s.expire()
		s.served(fresh)
		s.served(s.grant)
		s.ends(ending{posts: 2, generation: 3})
		s.lives()
	})
}

// rotatedAndRestored has the grant refreshed, and the store forget that.
func (s *scene) rotatedAndRestored(t *testing.T) {
	t.Helper()
	backup := s.row(s.grant)
	s.expire()
	s.served(s.grant)
	time.Sleep(time.Minute)
	if _, err := s.store.MemoryStore.Swap(t.Context(), s.row(s.grant).Version, backup); err != nil {
		t.Fatal(err)
	}
	s.store.run = "restored"
}

// A process that knows nothing of the rotation sees another store, holds back
// until the access token is used up, and does not blame the user.
func TestScenario22_BackupRestoredToStrangers(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.rotatedAndRestored(t)
		fresh := s.process(s.store).Grant(s.grant.ID())
		reauth, ok := errors.AsType[*ReauthError](second(fresh.Token(t.Context())))
		if !ok || reauth.Reason != ReasonLostInFlight {
			t.Error("who knows nothing:", reauth)
		}
		s.ends(ending{posts: 2, reuses: 1, generation: 1, state: StateNeedsReauth, reason: ReasonLostInFlight})
	})
}

// Somebody who does not know the protocol rotated and committed in between.
func TestScenario23_RefusedBecauseRaced(t *testing.T) {
	t.Parallel()
	playAt(t, emulator.ReuseReject, func(t *testing.T, s *scene) {
		other := s.process(s.store.MemoryStore)
		s.expire()
		s.via = roundTrip(func(r *http.Request) (*http.Response, error) {
			s.via = s.emu.Transport()
			row := s.row(s.grant)
			held, err := other.openTokens(row)
			if err != nil {
				t.Error(err)
			}
			ans := s.post(held.Refresh)
			f := flight{app: other, state: other.Grant(row.GrantID).live()}
			next, err := f.successor(row, pair{row: row, old: held, answer: ans, intent: "theirs"})
			if err != nil {
				t.Error(err)
			}
			if _, err := s.store.MemoryStore.Swap(t.Context(), row.Version, next); err != nil {
				t.Error(err)
			}
			return s.via.RoundTrip(r)
		})
		s.served(s.grant)
		s.ends(ending{posts: 2, reuses: 1, generation: 2})
		s.lives()
	})
}

func TestScenario24_RefusedForGood(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.withdrawn()
		s.expire()
		for range 3 {
			reauth, ok := errors.AsType[*ReauthError](second(s.grant.Token(t.Context())))
			if !ok || reauth.Reason != ReasonRevoked {
				t.Error(reauth)
			}
			time.Sleep(time.Minute)
		}
		s.ends(ending{posts: 1, generation: 1, state: StateNeedsReauth, reason: ReasonRevoked})
	})
}
