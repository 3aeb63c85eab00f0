package oauth

import (
	"context"
	"time"
)

// Watcher is what a Store may be, too: it tells of rows that any process wrote,
// so that whoever waits for another process's refresh need not wait for the
// next poll, and a revocation reaches every process at once. It only makes
// things faster: nothing relies on it.
type Watcher interface {
	Store

	// Watch calls changed, from one goroutine, with the id of each row that any
	// process has written or deleted, this one included. changed("") means that
	// any row may have changed: Watch calls it once it is connected, and again
	// whenever the connection was lost and is back. It reconnects by itself,
	// and returns only when ctx ends, with its error. changed does not block.
	Watch(ctx context.Context, changed func(GrantID)) error
}

// watch follows the store's reports, if it gives any, from the first use of a
// grant until the App is closed.
func (a *App) watch() {
	w, ok := a.store.(Watcher)
	if !ok || !a.begin() {
		return
	}
	go func() {
		defer a.work.Done()
		for try := 0; ; try++ {
			_, err := guarded(func() (Row, error) { return Row{}, w.Watch(a.closing, a.changed) })
			if a.closing.Err() != nil {
				return
			}
			a.log.Warn("the store has stopped to tell of changes", "error", err)
			if a.sleep(backoff(try)) != nil {
				return
			}
		}
	}()
}

// changed looks at a row that was written, or lets the flight do it that waits
// for it.
func (a *App) changed(id GrantID) {
	if id == "" {
		a.grants.each((*grantState).wake) // the others look by themselves, one by one
		return
	}
	s := a.grants.known(id)
	if s == nil {
		return
	}
	now := int64(time.Since(a.started))
	for at := s.confirmAt.Load(); now < at && !s.confirmAt.CompareAndSwap(at, now); {
		at = s.confirmAt.Load()
	}
	if s.current.Load() != nil {
		s.look(a.closing, false)
	}
	s.wake()
}

// wake ends the pause of a flight that waits for others.
func (s *grantState) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		select {
		case s.flight.woken <- struct{}{}:
		default:
		}
	}
}

// rest waits for d, until the row is written, or until the App is closed.
func (f *flight) rest(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.woken:
	case <-f.app.closing.Done():
		return ErrClosed
	}
	return nil
}
