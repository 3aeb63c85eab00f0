package oauth

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Group C: crash points and faults of the store. What is the file store's own
// is tested there.

func TestScenario30_CrashBeforeSending(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		s.dies(false)
		began := time.Now()
		s.served(s.grant)
		if took := time.Since(began); took != defaultSendBudget+defaultDrainMargin {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

// The new refresh token died with the process, and nobody can bring it back.
// The access token serves on; then the loss is recorded as what it is.
func TestScenario31_CrashBeforeTheCommit(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		time.Sleep(time.Minute)
		s.dies(true)
		for range 13 {
			s.served(s.grant)
			time.Sleep(time.Minute)
		}
		s.ends(ending{posts: 1, generation: 1})
		time.Sleep(2 * time.Minute)
		for range 3 {
			reauth, ok := errors.AsType[*ReauthError](second(s.grant.Token(t.Context())))
			if !ok || reauth.Reason != ReasonLostInFlight {
				t.Error(reauth)
			}
		}
		if info, err := s.grant.Info(t.Context()); err != nil || info.State != StateNeedsReauth || info.Reason != ReasonLostInFlight {
			t.Error(info, err)
		}
		s.ends(ending{posts: 2, reuses: 1, generation: 1, state: StateNeedsReauth, reason: ReasonLostInFlight})
	})
}

func TestScenario34_StoreDownBeforeSending(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.store.set(func(int, Row) (bool, error) { return false, nil })
		for range 14 { // stale at the end
			s.served(s.grant)
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Minute)
		for range 3 {
			if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrStoreUnavailable) {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		s.ends(ending{generation: 1})
		s.store.set(nil)
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

func TestScenario35_StoreDownAfterTheRotation(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		down := time.Now().Add(10 * time.Minute)
		s.store.set(func(n int, _ Row) (bool, error) { return n == 1 || time.Now().After(down), nil })
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := second(s.grant.Token(short)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("a waiter with a deadline:", err)
		}
		s.ends(ending{posts: 1, generation: 1})
		s.served(s.grant)
		if time.Now().Before(down) {
			t.Error("a token was served that no store had")
		}
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

func TestScenario36_StoreIsSlow(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.served(s.grant)
		s.store.set(func(int, Row) (bool, error) {
			time.Sleep(8 * time.Second)
			return true, nil
		})
		time.Sleep(15*time.Minute - 30*time.Second) // stale
		for range 15 {
			began := time.Now()
			s.served(s.grant)
			if took := time.Since(began); took != 0 {
				t.Errorf("a caller waited %v for a background refresh", took)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Second)
		s.ends(ending{posts: 1, generation: 2})
		s.store.set(nil)
		s.lives()
	})
}

// A store that gives back old rows is not believed, and nothing is sent.
func TestScenario37_StoreReturnsOldData(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		old := s.row(s.grant)
		lagging := &laggingStore{MemoryStore: s.store.MemoryStore, old: &old}
		g := s.process(lagging).Grant(s.grant.ID())
		s.served(g)
		time.Sleep(time.Minute)
		lagging.until = time.Now().Add(time.Hour)
		for range 3 {
			if err := second(g.Refresh(t.Context())); !errors.Is(err, ErrCorruptRow) || errors.Is(err, ErrNeedsReauth) {
				t.Error(err)
			}
		}
		s.served(g)
		s.ends(ending{posts: 1, generation: 2})
		lagging.until = time.Now()
		if err := second(g.Refresh(t.Context())); err != nil {
			t.Error("once the store is right again:", err)
		}
		s.ends(ending{posts: 2, generation: 3})
	})
}

// otherRowStore gives every grant the row of one.
type otherRowStore struct {
	*MemoryStore
	id GrantID
}

func (o otherRowStore) Load(ctx context.Context, _ GrantID) (Row, error) {
	return o.MemoryStore.Load(ctx, o.id)
}

func TestScenario38_CorruptRow(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"no tokens": func(b []byte) []byte { return append(b[:1:1], "{}"...) },
		"noise":     func(b []byte) []byte { return append(b[:1:1], 0xff, 0, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				row := s.row(s.grant)
				row.Sealed = damage(row.Sealed)
				damaged, err := s.store.MemoryStore.Swap(t.Context(), row.Version, row)
				if err != nil {
					t.Fatal(err)
				}
				s.expire()
				s.corrupt(s.grant)
				if s.row(s.grant).Version != damaged.Version {
					t.Error("the row was written")
				}
			})
		})
	}
	t.Run("another grant's", func(t *testing.T) {
		t.Parallel()
		play(t, func(_ *testing.T, s *scene) {
			other := s.signIn()
			s.expire()
			s.corrupt(s.process(otherRowStore{s.store.MemoryStore, other.ID()}).Grant(s.grant.ID()))
		})
	})
}

// corrupt wants g to be called unreadable and nothing to be sent for it.
func (s *scene) corrupt(g *Grant) {
	s.Helper()
	for _, get := range []func(context.Context) error{
		func(ctx context.Context) error { return second(g.Token(ctx)) },
		func(ctx context.Context) error { return second(g.Refresh(ctx)) },
	} {
		if err := get(s.Context()); !errors.Is(err, ErrCorruptRow) || errors.Is(err, ErrNeedsReauth) {
			s.Error(err)
		}
		time.Sleep(time.Minute)
	}
	s.ends(ending{generation: 1})
}

func TestScenario41_ShutdownDuringARefresh(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		rotated := make(chan struct{})
		s.fault(slowAnswer(5*time.Second, rotated))
		s.expire()
		got := make(chan error, 1)
		go func() { got <- second(s.grant.Token(t.Context())) }()
		<-rotated
		if err := s.app.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.ends(ending{posts: 1, generation: 2})
		if err := <-got; err != nil {
			t.Error("who waited:", err)
		}
		s.expire()
		synctest.Wait()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrClosed) {
			t.Error("after Close:", err)
		}
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}
