package oauth

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// steppedStore is a store whose clock is ahead.
type steppedStore struct {
	*MemoryStore
	ahead *atomic.Int64
}

func (s steppedStore) Load(ctx context.Context, id GrantID) (Row, error) {
	return s.late(s.MemoryStore.Load(ctx, id))
}

func (s steppedStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	return s.late(s.MemoryStore.Swap(ctx, old, row))
}

func (s steppedStore) late(row Row, err error) (Row, error) {
	row.Now = row.Now.Add(time.Duration(s.ahead.Load()))
	return row, err
}

// A clock that steps, or a machine that was asleep, makes no intent old: while
// the answer is on its way to one process, another one does not probe. A prober
// that goes by the store's clock ends the grant here.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		store := steppedStore{s.store.MemoryStore, new(atomic.Int64)}
		base := s.via
		s.via = roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			time.Sleep(5 * time.Second) // at the provider the token is consumed
			return resp, err
		})
		s.expire()
		var waiting sync.WaitGroup
		for _, app := range []*App{s.process(store), s.process(store)} {
			waiting.Go(func() { s.served(app.Grant(s.grant.ID())) })
		}
		time.Sleep(time.Second)
		store.ahead.Store(int64(time.Hour))
		waiting.Wait()
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

// A process that was started after the step has not watched the intent at all.
func TestClockStepsBeforeAProcessLooks(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		s.dies(false)
		store := steppedStore{s.store.MemoryStore, new(atomic.Int64)}
		store.ahead.Store(int64(time.Hour))
		began := time.Now()
		s.served(s.process(store).Grant(s.grant.ID()))
		if took := time.Since(began); took != defaultSendBudget+defaultDrainMargin {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

// slowReader has something happen before its first answer.
type slowReader struct {
	steppedStore
	first func()
}

func (s slowReader) Load(ctx context.Context, id GrantID) (Row, error) {
	s.first()
	return s.steppedStore.Load(ctx, id)
}

// An intent is found when the store has answered, not when it was asked.
func TestIntentIsFoundByASlowRead(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		var written time.Time
		store := slowReader{steppedStore{s.store.MemoryStore, new(atomic.Int64)}, sync.OnceFunc(func() {
			time.Sleep(9 * time.Second)
			s.dies(false)
			written = time.Now()
		})}
		store.ahead.Store(int64(time.Hour / 2))
		s.served(s.process(store).Grant(s.grant.ID()))
		if took := time.Since(written); took != defaultSendBudget+defaultDrainMargin {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

// After an hour no clock's step explains it, and nobody watches any more: there
// are processes that do not live as long as that takes.
func TestOldIntentIsNotWatched(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.dies(false)
		time.Sleep(time.Hour + 20*time.Second)
		began := time.Now()
		s.served(s.process(s.store).Grant(s.grant.ID()))
		if took := time.Since(began); took > time.Second {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

// lockedStore has a flight lock that is free.
type lockedStore struct{ steppedStore }

func (lockedStore) LockFlight(context.Context, GrantID) (func(), error) { return func() {}, nil }

// A flight lock that is free says that the intent's process has ended.
func TestFlightLockSparesTheWatch(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		s.dies(false)
		time.Sleep(20 * time.Second)
		began := time.Now()
		store := lockedStore{steppedStore{s.store.MemoryStore, new(atomic.Int64)}}
		s.served(s.process(store).Grant(s.grant.ID()))
		if took := time.Since(began); took > time.Second {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

// Whoever has watched an intent while the access token lived need not wait any
// more when it has expired.
func TestIntentIsWatchedInTheBackground(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		time.Sleep(13 * time.Minute)
		s.dies(false)
		s.served(s.grant) // about to expire: it looks
		s.served(s.grant)
		time.Sleep(2 * time.Minute)
		began := time.Now()
		s.served(s.grant)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the probe came after %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

func TestWatched(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	intent := func(id string, deadline int) Row { return Row{Intent: &Intent{ID: id, Deadline: at(deadline)}} }
	s := grantState{app: new(App)}
	for _, step := range []struct {
		name string
		row  Row
		at   int
		want time.Duration
	}{
		{"found", intent("a", 10), 0, 0},
		{"still there", intent("a", 10), 4, 4 * time.Second},
		{"another one", intent("b", 14), 5, 0},
		{"still there", intent("b", 14), 6, time.Second},
		{"a failover extends it", intent("b", 30), 20, 0},
		{"gone", Row{}, 21, 0},
		{"the same again", intent("b", 30), 22, 0},
	} {
		if got := s.watched(step.row, at(step.at)); got != step.want {
			t.Errorf("%s: watched for %v, want %v", step.name, got, step.want)
		}
	}
}
