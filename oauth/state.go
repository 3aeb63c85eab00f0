package oauth

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// grantState is what a process holds of one grant, shared by all its Grants.
type grantState struct {
	app     *App
	id      GrantID
	current atomic.Pointer[snapshot]
	used    atomic.Bool  // since the cache looked last
	evicted atomic.Bool  // for good: another one has taken its place
	retryAt atomic.Int64 // no background refresh before, UnixNano

	confirmAt atomic.Int64 // since App.started: then the store is looked at

	mu       sync.Mutex    // guards the next four; never held over I/O
	flight   *flight       // under way, or failed lately
	failures int           // flights in a row that failed without having sent anything
	looking  chan struct{} // a look at the store is under way until it is closed
	sent     string        // the intent under which a refresh token went out last

	// For flights only, of which there is one at a time.
	unanswered string    // the intent of the one that last ended in doubt
	seen       *sighting // the intent that the last one found, if any
}

// usable returns an access token that has not expired, and starts a refresh in
// the background if it is about to.
func (s *grantState) usable(ctx context.Context) (*snapshot, error) {
	now := time.Now()
	cur := s.current.Load()
	if !s.used.Load() {
		s.used.Store(true)
	}
	switch {
	case cur == nil:
		return s.newer(ctx, aim{})
	case !cur.staleAt.passed(now): // the usual case
	case cur.expiredAt.passed(now):
		return s.newer(ctx, aim{known: cur.generation})
	case now.UnixNano() >= s.retryAt.Load():
		_, _ = s.join(ctx, aim{known: cur.generation, background: true}) // an error here is ErrClosed; the token still serves
	}
	if due := now.Sub(s.app.started) - time.Duration(s.confirmAt.Load()); due >= 0 {
		return s.confirmed(ctx, cur, due)
	}
	return cur, nil
}

// aim is what a flight is for.
type aim struct {
	known      uint64 // the generation at hand
	past       bool   // one past it is wanted; otherwise any token good for use
	background bool   // nobody waits: the token at hand still serves
	refusal    bool   // an API refused the token at hand
	keeping    bool   // nobody uses the grant
}

// newer waits for a snapshot as aimed at.
func (s *grantState) newer(ctx context.Context, to aim) (snap *snapshot, err error) {
	began := time.Now()
	defer func() { s.app.config.Trace.wait(began, err) }()
	for {
		f, err := s.join(ctx, to)
		if err != nil {
			return nil, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		switch {
		case errors.Is(f.err, errNotRenewed) && !to.refusal: // somebody else's business
		case f.err != nil:
			return nil, f.err
		case f.got.generation > to.known, !to.past && !f.got.expiredAt.passed(time.Now()):
			return f.got, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// join returns the flight under way or starts one. Nobody's context ends it:
// between the provider's rotation and our commit it must not stop.
func (s *grantState) join(ctx context.Context, to aim) (*flight, error) {
	s.mu.Lock()
	if s.evicted.Load() {
		s.mu.Unlock()
		return s.app.grants.state(s.id).join(ctx, to)
	}
	defer s.mu.Unlock()
	if s.busy() {
		return s.flight, nil
	}
	s.app.watching.Do(s.app.watch)
	if !s.app.begin() {
		return nil, ErrClosed
	}
	f := &flight{app: s.app, state: s, aim: to, woken: make(chan struct{}, 1), done: make(chan struct{})}
	s.flight = f
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer s.app.work.Done()
		f.run(ctx)
		s.land(f)
		close(f.done)
		f.announce(ctx)
	}()
	return f, nil
}

// learn returns the generation at hand; where there is none in this process
// yet, the store's.
func (s *grantState) learn(ctx context.Context) (uint64, error) {
	if cur := s.current.Load(); cur != nil {
		return cur.generation, nil
	}
	row, err := s.app.load(ctx, s.id)
	if err != nil || row.State != StateActive {
		return row.Generation, err
	}
	snap, err := s.app.snapshotOf(row)
	if err != nil {
		return 0, err
	}
	s.publish(snap)
	return row.Generation, nil
}

// land takes a flight out, unless it failed in a way that the next one would
// share: then its error stands for a while, longer each time.
func (s *grantState) land(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if !f.unsent() {
		s.failures = 0
		return
	}
	f.holds = time.Now().Add(backoff(s.failures))
	s.failures++
	s.flight = f
}

// busy reports whether a flight is under way, or has failed so lately that it
// stands for the next one. It is called with the mutex held.
func (s *grantState) busy() bool {
	return s.flight != nil && (s.flight.holds.IsZero() || time.Now().Before(s.flight.holds))
}

// leave gives up the grant's place in the cache, unless it is busy: two states
// of one grant must not refresh at once.
func (s *grantState) leave() bool {
	if !s.mu.TryLock() {
		return false
	}
	defer s.mu.Unlock()
	if s.busy() || s.looking != nil {
		return false
	}
	s.evicted.Store(true)
	return true
}

// idle waits until no flight is under way.
func (s *grantState) idle(ctx context.Context) error {
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
	if s.evicted.Load() {
		return s.app.grants.state(s.id).idle(ctx)
	}
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause keeps background refreshes from being started for a second or two.
func (s *grantState) pause() {
	s.retryAt.Store(time.Now().Add(time.Second + rand.N(time.Second)).UnixNano())
}

// sends notes under which intent this process sends.
func (s *grantState) sends(intent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = intent
}

// ours reports whether row is what this process committed last, which its flight
// tells of.
func (s *grantState) ours(row Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent == row.CommittedBy
}

// publish makes snap current unless that or a newer one is.
func (s *grantState) publish(snap *snapshot) bool { return s.app.grants.publish(s, snap) }

// size is about what a state takes of memory, its place in the cache included.
func (s *grantState) size() int {
	const fields = 256
	return fields + len(s.id) + s.current.Load().size()
}
