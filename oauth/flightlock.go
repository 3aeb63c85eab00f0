package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// FlightLocker is what a Store whose processes share one machine may be, too:
// it can tell whether the process that sent a refresh still lives. A process
// that was stopped for longer than SendBudget and DrainMargin, with an answer
// not yet read, is then not taken for a dead one, whose refresh token would
// have to be presented again. Nor does it matter that the machine was asleep,
// where over other stores an intent has to be watched before it is taken up.
//
// The lock replaces neither the intent nor the waiting: what a dead process
// has sent may be under way for a while.
type FlightLocker interface {
	Store

	// LockFlight takes the lock of a grant's refresh without waiting, or
	// returns ErrFlightLocked. Nothing ends the lock but release and the end of
	// its process. It keeps nobody from Swap.
	LockFlight(ctx context.Context, id GrantID) (release func(), err error)
}

// ErrFlightLocked is what FlightLocker returns while the lock is held, to be
// tested with errors.Is.
var ErrFlightLocked = errors.New("another process is refreshing the grant")

// lock takes the flight lock, where the store has one. While another process
// holds it release is nil, and the row may change at any time; an error says
// that it has been held for too long for a process that runs.
func (f *flight) lock(ctx context.Context, w windows) (release func(), err error) {
	locker, ok := f.app.store.(FlightLocker)
	if !ok {
		return func() {}, nil
	}
	release, err = locker.LockFlight(ctx, f.state.id)
	switch {
	case err == nil:
		return release, nil
	case !errors.Is(err, ErrFlightLocked):
		return nil, fmt.Errorf("oauth: grant %s: %w: %w", f.state.id, ErrStoreUnavailable, err)
	case f.lockedSince.IsZero():
		f.lockedSince = time.Now()
	case time.Since(f.lockedSince) > w.least:
		return nil, fmt.Errorf("oauth: grant %s: %w: %w", f.state.id, ErrInDoubt, err)
	}
	return nil, nil
}
