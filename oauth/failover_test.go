package oauth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// failOver makes s a store that may have lost a write: its run is another.
func failOver(s *MemoryStore) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run += " after a failover"
}

// An intent of unknown outcome is not written again over a failover: the store
// may have forgotten somebody else's, who has sent.
func TestFailoverUnderAnIntent(t *testing.T) {
	t.Parallel()
	failOverAtTheIntent(t, false, ErrUnknown)
}

// An intent that is written over a failover is not sent under: the store may
// have forgotten somebody else's, of which the row that was read knew nothing.
func TestFailoverBeforeAnIntent(t *testing.T) {
	t.Parallel()
	failOverAtTheIntent(t, true, nil)
}

// failOverAtTheIntent has the store fail over when an intent is to be written,
// with that outcome. Nothing may be sent until a request under a forgotten
// intent has drained.
func failOverAtTheIntent(t *testing.T, written bool, outcome error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var sent time.Time
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		p.script = []behaviour{{answer: func(honest string) *http.Response {
			sent = time.Now()
			return reply(200, "application/json", honest)
		}}}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		failed := time.Now()
		store.set(func(n int, _ Row) (bool, error) {
			if n == 1 {
				failOver(store.MemoryStore)
				return written, outcome
			}
			return true, nil
		})
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Fatal(tok, err)
		}
		if drained := 10 * time.Second; sent.Sub(failed) < drained { // of a minute's token: budget and margin of 5s
			t.Errorf("sent %v after the failover", sent.Sub(failed))
		}
		if row, _ := rowOf(t, a, id); row.Generation != 2 || row.DoubtGen != 1 || row.RunID != row.StoreRun || len(p.sent()) != 1 {
			t.Errorf("generation %d, doubt %d, %d token POSTs", row.Generation, row.DoubtGen, len(p.sent()))
		}
	})
}

// A pair that is committed over a failover is doubtful: the store may have
// forgotten a probe that killed it.
func TestFailoverUnderARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		p.script = []behaviour{{answer: func(honest string) *http.Response {
			failOver(store)
			return reply(200, "application/json", honest)
		}}}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Fatal(tok, err)
		}
		row, held := rowOf(t, a, id)
		if row.Generation != 2 || held.Refresh != "rt-2" || row.DoubtGen != 2 || row.RunID != row.StoreRun || len(p.sent()) != 1 {
			t.Errorf("generation %d, doubt %d, run %q of %q, %d token POSTs", row.Generation, row.DoubtGen, row.RunID, row.StoreRun, len(p.sent()))
		}
	})
}

// So is one that is committed over an older generation, whoever has noticed the
// failover before. Here a probe, which killed it, is forgotten with its base.
func TestFailoverToAnOlderGeneration(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		before := s.store.rows[s.grant.ID()].clone()
		s.expire()
		s.served(s.grant)
		s.expire()

		answer, base := make(chan struct{}), s.via
		var requests atomic.Int32
		s.via = roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if requests.Add(1) == 1 {
				<-answer
			}
			return resp, err
		})
		got := make(chan error, 1)
		go func() { got <- second(s.grant.Token(t.Context())) }()
		synctest.Wait()
		if err := second(s.process(s.store).Grant(s.grant.ID()).Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
			t.Error("the prober:", err)
		}

		s.store.rows[s.grant.ID()] = before
		failOver(s.store.MemoryStore)
		s.app.recent = recentRows{} // it has given way to others'
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := second(s.process(s.store).Grant(s.grant.ID()).Token(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("who notices the failover:", err)
		}
		close(answer)
		if err := <-got; err != nil {
			t.Error("the sender:", err)
		}
		s.expire()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
			t.Error(err)
		}
		s.ends(ending{posts: 4, reuses: 1, generation: 3, state: StateNeedsReauth, reason: ReasonLostInFlight})
	})
}

// slowAckStore acknowledges a write that is slow only when it may go on.
type slowAckStore struct {
	*MemoryStore
	slow func(Row) bool

	mu   sync.Mutex
	held chan struct{}
}

// wait has the next slow write wait, or not.
func (s *slowAckStore) wait(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held = nil; yes {
		s.held = make(chan struct{})
	}
}

func (s *slowAckStore) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		close(s.held)
	}
	s.held = nil
}

func (s *slowAckStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	stored, err := s.MemoryStore.Swap(ctx, old, row)
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if err == nil && held != nil && s.slow(row) {
		<-held
	}
	return stored, err
}

// A commit may be acknowledged when the store that took it is no more, and its
// process has already looked at the one that took over. Without a further look
// at the grant, the rotation is written back.
func TestFailoverBeforeAnAcknowledgement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowAckStore{MemoryStore: NewMemoryStore(), slow: func(r Row) bool { return r.Generation == 2 }}
		p := newFakeProvider()
		a, id := signedIn(t, p, store, time.Minute)
		before := store.rows[id].clone()
		time.Sleep(2 * time.Minute)
		store.wait(true)
		got := make(chan error)
		go func() {
			_, err := a.Grant(id).Token(t.Context())
			got <- err
		}()
		synctest.Wait()
		time.Sleep(time.Second) // what the provider takes to answer
		synctest.Wait()
		store.rows[id] = before
		failOver(store.MemoryStore)
		if info, err := a.Grant(id).Info(t.Context()); err != nil || info.Generation != 1 {
			t.Fatal(info, err)
		}
		store.goOn()
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if row, held := rowOf(t, a, id); row.Generation != 2 || held.Refresh != "rt-2" || row.DoubtGen != 2 || len(p.sent()) != 1 {
			t.Errorf("generation %d, doubt %d, %s, %d token POSTs", row.Generation, row.DoubtGen, held.Refresh, len(p.sent()))
		}
	})
}

// What a failover forgot may be written back while another process announces a
// probe of what is left: the intent then stands in another generation than it
// was written for, whose refresh token is not to be sent any more.
func TestForgottenGenerationReturnsUnderAnIntent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, memory := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, memory, time.Minute)
		before := memory.rows[id].clone()
		time.Sleep(2 * time.Minute)
		if err := second(a.Grant(id).Token(t.Context())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		memory.rows[id] = before
		failOver(memory)

		store, announced := &troubledStore{MemoryStore: memory}, false
		store.set(func(_ int, row Row) (bool, error) {
			if announced = row.DoubtGen == 1 && row.RunID == memory.rows[id].RunID; announced { // else it is the quarantine
				return true, ErrUnknown
			}
			return true, nil
		})
		store.load = func(int) error {
			if announced { // it is to be read whether the intent was written
				if _, err := a.Grant(id).Info(t.Context()); err != nil { // a notices the failover
					t.Error(err)
				}
				synctest.Wait()
			}
			return nil
		}
		tok, err := newTestApp(t, p, store).Grant(id).Token(t.Context())
		if err != nil || tok.AccessToken != "at-2" || !announced {
			t.Error(tok, err, announced)
		}
		if row, held := rowOf(t, a, id); row.State != StateActive || row.Generation != 2 || held.Refresh != "rt-2" || len(p.sent()) != 1 {
			t.Errorf("%s at generation %d, %s, token POSTs %q", row.State, row.Generation, held.Refresh, p.sent())
		}
	})
}

// An intent that a quarantine has taken over stands for what the store forgot
// as well. Who announced it, and was too late to send, does not withdraw it.
func TestQuarantineIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent time.Time
		p, store := newFakeProvider(), NewMemoryStore()
		p.script = []behaviour{{answer: func(honest string) *http.Response {
			sent = time.Now()
			return reply(200, "application/json", honest)
		}}}
		a, id := signedIn(t, p, store, time.Minute) // budget and margin are 5 s
		late := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done() // without a look at the body
			return nil, r.Context().Err()
		}), store)
		time.Sleep(2 * time.Minute)
		got := make(chan error, 1)
		go func() { got <- second(late.Grant(id).Token(t.Context())) }()
		time.Sleep(time.Second)
		failOver(store)
		failed := time.Now()
		if err := second(a.Grant(id).Token(t.Context())); err != nil {
			t.Error(err)
		}
		if err := <-got; !errors.Is(err, errBudget) {
			t.Error("who was late:", err)
		}
		if drained := 10 * time.Second; sent.Sub(failed) < drained || len(p.sent()) != 1 {
			t.Errorf("sent %v after the failover, token POSTs %q", sent.Sub(failed), p.sent())
		}
	})
}

// Whoever comes too late with a pair that another process has committed is all
// that knows of it, once that process is gone and the store has forgotten it.
func TestFailoverAfterAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pair = `{"access_token":"at-2","refresh_token":"rt-2","token_type":"Bearer","expires_in":900,"scope":"openid"}`
		again := func(string) *http.Response { return reply(200, "application/json", pair) } // within a grace
		answer := make(chan struct{})
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		p.script = []behaviour{{hold: answer, answer: again}, {answer: again}}
		a, id := signedIn(t, p, store, time.Minute)
		before := store.rows[id].clone()
		time.Sleep(2 * time.Minute)
		got := make(chan error, 1)
		go func() { got <- second(a.Grant(id).Token(t.Context())) }()
		time.Sleep(time.Second)
		b := newTestApp(t, p, store.MemoryStore)
		if err := second(b.Grant(id).Token(t.Context())); err != nil {
			t.Fatal(err)
		}
		met := store.reads()
		store.load = func(n int) error {
			if n == met+2 { // at the first, a met what b had committed
				store.rows[id] = before
				failOver(store.MemoryStore)
			}
			return nil
		}
		close(answer)
		if err := <-got; err != nil {
			t.Error(err)
		}
		if row, held := rowOf(t, a, id); row.Generation != 2 || held.Refresh != "rt-2" || row.DoubtGen != 2 || len(p.sent()) != 2 {
			t.Errorf("generation %d, doubt %d, %s, token POSTs %q", row.Generation, row.DoubtGen, held.Refresh, p.sent())
		}
	})
}
