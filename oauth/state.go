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

	mu     sync.Mutex // guards flight; never held over I/O
	flight *flight

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
	if s.flight != nil {
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
		s.mu.Lock()
		s.flight = nil
		s.mu.Unlock()
		close(f.done)
		f.announce(ctx)
	}()
	return f, nil
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
