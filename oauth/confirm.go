package oauth

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// What other processes do to a grant (revoke it, lose it, rotate it) reaches a
// process that has a live access token because it looks at the store now and
// then: a use that finds the last look too long ago starts another one, and
// waits for it if that was due for long. Together it is at most half a minute.
// None of this may take a token away while the store is out of reach: then
// tokens serve unconfirmed, nobody waits, and one look a second tries whether
// the store is back.
const (
	confirmAfter    = 14 * time.Second // plus confirmJitter
	confirmJitter   = 4 * time.Second
	confirmLate     = 10 * time.Second // due for longer: wait
	confirmPatience = time.Second      // with the store, of whoever waits
	confirmsAtOnce  = 64
	confirmTrial    = time.Second
)

// storeHealth is what looks have found the store to be. Times are since
// App.started.
type storeHealth struct {
	looks  chan struct{} // a place each
	ailing atomic.Bool
	trial  atomic.Int64 // the next look at an ailing store
	back   atomic.Int64 // when it was last found well again
}

// admits reports whether a look may start now.
func (h *storeHealth) admits(now time.Duration) bool {
	if !h.ailing.Load() {
		return true
	}
	at := h.trial.Load()
	return int64(now) >= at && h.trial.CompareAndSwap(at, int64(now+confirmTrial))
}

// waits reports whether a use waits for a look that is due for so long. After
// an outage all are due for long: they have time to catch up.
func (h *storeHealth) waits(now, due time.Duration) bool {
	return !h.ailing.Load() && min(due, now-time.Duration(h.back.Load())) >= confirmLate
}

// note learns from a look.
func (h *storeHealth) note(now time.Duration, ails bool) {
	if h.ailing.Swap(ails) && !ails {
		h.back.Store(int64(now))
	}
}

// confirmed returns cur, or what the store has in its place where it was due
// to be looked at and found changed.
func (s *grantState) confirmed(ctx context.Context, cur *snapshot, due time.Duration) (*snapshot, error) {
	waits := s.app.health.waits(time.Since(s.app.started), due)
	done := s.look(ctx, waits)
	if done == nil || !waits {
		return cur, nil
	}
	patience := time.NewTimer(confirmPatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C: // a live token serves
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if anew := s.current.Load(); anew != nil && !anew.expiredAt.passed(time.Now()) {
		return anew, nil
	}
	return s.newer(ctx, aim{})
}

// look starts to compare the token at hand with the store, once at a time, and
// returns a channel that is closed at its end; nil if it cannot be now.
func (s *grantState) look(ctx context.Context, waits bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.app
	switch {
	case s.looking != nil:
		return s.looking
	case s.evicted.Load(), !a.health.admits(time.Since(a.started)):
		return nil
	}
	placed := true
	select {
	case a.health.looks <- struct{}{}:
	default:
		placed = false
	}
	if !placed && !waits || !a.begin() {
		if placed {
			<-a.health.looks
		}
		return nil
	}
	done := make(chan struct{})
	s.looking = done
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unclose := context.AfterFunc(a.closing, cancel) //nolint:contextcheck // Close ends a look, no caller's context does
	go func() {
		defer a.work.Done()
		defer cancel()
		defer unclose()
		adopted := s.takeLook(ctx, placed)
		s.mu.Lock()
		s.looking = nil
		s.mu.Unlock()
		close(done)
		if adopted != nil {
			a.tell(ctx, *adopted)
		}
	}()
	return done
}

// takeLook waits for a place if need be, and looks.
func (s *grantState) takeLook(ctx context.Context, placed bool) *TokenEvent {
	h := &s.app.health
	if !placed && !h.queue() {
		return nil
	}
	defer func() { <-h.looks }()
	defer func() {
		if p := recover(); p != nil { // a Sealer's, say
			s.app.log.Error("a panic while looking at a grant", "grant", s.id, "panic", p)
		}
	}()
	slow := time.AfterFunc(confirmPatience, func() { h.note(time.Since(s.app.started), true) })
	defer slow.Stop()
	return s.compare(ctx)
}

// queue waits for a place as long as those who wait for the look.
func (h *storeHealth) queue() bool {
	patience := time.NewTimer(confirmPatience)
	defer patience.Stop()
	select {
	case h.looks <- struct{}{}:
		return true
	case <-patience.C:
		return false
	}
}

// compare reads the store and lets go of a token that is not to be used any
// more. It returns an event to be told, if there is one.
func (s *grantState) compare(ctx context.Context) *TokenEvent {
	a, start, cur := s.app, time.Now(), s.current.Load()
	row, err := a.load(ctx, s.id)
	if ctx.Err() != nil {
		return nil
	}
	ails := errors.Is(err, ErrStoreUnavailable)
	a.health.note(time.Since(a.started), ails)
	if ails || cur == nil || cur.generation == revokedHere {
		return nil
	}
	defer s.confirm(start)
	var snap *snapshot
	switch kept, forgotten := a.recent.after(row); {
	case err != nil:
	case forgotten:
		err = a.restore(ctx, row, kept)
	case row.State == StateActive && row.Generation > cur.generation && !s.ours(row):
		snap, err = a.snapshotOf(row)
	}
	switch {
	case errors.Is(err, ErrNoGrant), err == nil && row.State != StateActive:
		a.log.Info("the grant has ended", "grant", s.id, "state", row.State, "reason", row.Reason)
		a.grants.forget(s, cur)
	case err != nil: // the token is none the worse for it
		a.log.Warn("the grant's row cannot be read or mended", "grant", s.id, "error", err)
	case snap != nil && s.publish(snap):
		e := newEvent(EventAdopted, row)
		return &e
	}
	return nil
}

// snapshotOf is what a row read from the store is to this process.
func (a *App) snapshotOf(row Row) (*snapshot, error) {
	t, err := a.openTokens(row)
	if err != nil {
		return nil, err
	}
	a.keep(row)
	return newSnapshot(row, t, a.windows(row)), nil
}

// confirm notes that what is known of the grant was the store's at that time.
func (s *grantState) confirm(at time.Time) {
	s.confirmAt.Store(int64(at.Sub(s.app.started) + confirmAfter + rand.N(confirmJitter)))
}
