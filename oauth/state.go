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
	retryAt atomic.Int64 // no background refresh before, UnixNano

	mu       sync.Mutex // guards the next two; never held over I/O
	flight   *flight    // under way, or failed lately
	failures int        // flights in a row that failed without having sent anything

	unanswered string // the intent of the flight that last ended in doubt; flights only
}

// usable returns an access token that has not expired, and starts a refresh in
// the background if it is about to.
func (s *grantState) usable(ctx context.Context) (*snapshot, error) {
	now := time.Now()
	cur := s.current.Load()
	switch {
	case cur == nil:
		return s.newer(ctx, aim{})
	case cur.expiredAt.passed(now):
		return s.newer(ctx, aim{known: cur.generation})
	case cur.staleAt.passed(now) && now.UnixNano() >= s.retryAt.Load():
		_, _ = s.join(ctx, aim{known: cur.generation, background: true}) // an error here is ErrClosed; the token still serves
	}
	return cur, nil
}

// aim is what a flight is for.
type aim struct {
	known      uint64 // the generation at hand
	past       bool   // one past it is wanted; otherwise any token good for use
	background bool   // nobody waits: the token at hand still serves
	refusal    bool   // an API refused the token at hand
}

// newer waits for a snapshot as aimed at.
func (s *grantState) newer(ctx context.Context, to aim) (*snapshot, error) {
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
	defer s.mu.Unlock()
	if s.flight != nil && (s.flight.holds.IsZero() || time.Now().Before(s.flight.holds)) {
		return s.flight, nil
	}
	if !s.app.begin() {
		return nil, ErrClosed
	}
	f := &flight{app: s.app, state: s, aim: to, done: make(chan struct{})}
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
	t, err := s.app.openTokens(row)
	if err != nil {
		return 0, err
	}
	s.publish(newSnapshot(row, t, s.app.windows(row)))
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

// idle waits until no flight is under way.
func (s *grantState) idle(ctx context.Context) error {
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
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

// publish makes snap current unless a newer one is.
func (s *grantState) publish(snap *snapshot) {
	for {
		cur := s.current.Load()
		if cur != nil && cur.generation >= snap.generation || s.current.CompareAndSwap(cur, snap) {
			return
		}
	}
}
