package oauth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"
)

// load reads a row from the primary.
func (a *App) load(ctx context.Context, id GrantID) (Row, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	began := time.Now()
	row, err := guarded(func() (Row, error) { return a.store.Load(ctx, id) })
	a.config.Trace.store("load", began, err)
	switch {
	case err == nil && row.GrantID != id:
		return Row{}, fmt.Errorf("oauth: grant %s: %w: it is another grant's", id, ErrCorruptRow)
	case err == nil && row.App != a.config.ClientID:
		return Row{}, fmt.Errorf("oauth: grant %s: %w: it belongs to another client id", id, ErrCorruptRow)
	case err == nil:
		a.notice(row.StoreRun)
		return byOurClock(row, time.Now().Round(0)), nil
	case errors.Is(err, ErrNoGrant), errors.Is(err, ErrCorruptRow):
		return Row{}, fmt.Errorf("oauth: grant %s: %w", id, err)
	}
	return Row{}, fmt.Errorf("oauth: grant %s: %w: %w", id, ErrStoreUnavailable, err)
}

// byOurClock corrects a row whose access token was issued by a clock ahead of
// ours: by the store's, it is at least so old as its commit. A clock behind
// ours only makes a token expire too early, which is harmless.
func byOurClock(row Row, now time.Time) Row {
	age := row.Now.Sub(row.CommittedAt)
	if row.CommittedAt.IsZero() || row.RunID != row.StoreRun || age < 0 {
		return row // the store's clock was another one
	}
	if late := row.RefreshIssued.Sub(now.Add(-age)); late > 0 {
		row.RefreshIssued, row.Expiry = row.RefreshIssued.Add(-late), row.Expiry.Add(-late)
	}
	return row
}

// swap writes row over the state it was loaded from.
func (a *App) swap(ctx context.Context, row Row) (Row, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	began := time.Now()
	stored, err := guarded(func() (Row, error) { return a.store.Swap(ctx, row.Version, row) })
	a.config.Trace.store("swap", began, err)
	switch {
	case err == nil:
		return stored, nil
	case errors.Is(err, ErrConflict):
		return Row{}, err
	}
	return Row{}, fmt.Errorf("oauth: grant %s: %w: %w", row.GrantID, ErrStoreUnavailable, err)
}

// guarded makes a panic of the store an error, after which nothing is known of
// the operation's outcome: the only copy of a token may be waiting for it.
func guarded(operation func() (Row, error)) (row Row, err error) {
	defer func() {
		if p := recover(); p != nil {
			row, err = Row{}, fmt.Errorf("it panicked: %v", p)
		}
	}()
	return operation()
}

// change loads a row, lets edit alter it, and swaps it, until no conflict
// comes between. edit returns false to leave the row as it is. After a write of
// unknown outcome the row is read again: where edit finds nothing left to do,
// the write has succeeded.
func (a *App) change(ctx context.Context, id GrantID, edit func(*Row) bool) (Row, error) {
	for conflicts, unknown := 0, 0; ; {
		row, err := a.load(ctx, id)
		was := row
		if err != nil || !edit(&row) || unknown > 0 && reflect.DeepEqual(row, was) {
			return row, err
		}
		stored, err := a.swap(ctx, row)
		switch {
		case err == nil:
			return stored, nil
		case errors.Is(err, ErrConflict):
			if conflicts++; conflicts > 1 { // the store may be reading old rows
				time.Sleep(backoff(min(conflicts, 3)))
			}
		case errors.Is(err, ErrNotWritten), unknown == mostUnknown:
			return Row{}, err
		default:
			time.Sleep(backoff(unknown))
			unknown++
		}
		if err := ctx.Err(); err != nil {
			return Row{}, fmt.Errorf("oauth: grant %s: %w: %w", id, ErrStoreUnavailable, err)
		}
	}
}

// mostUnknown is how often change repeats writes of unknown outcome.
const mostUnknown = 3

// begin registers work that Close waits for; false after Close.
func (a *App) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.work.Add(1)
	return true
}

// background does work that Close waits for; none after Close. A panic in it, a
// Store's say, ends here: another grant's answer may be on its way.
func (a *App) background(work func()) {
	if !a.begin() {
		return
	}
	go func() {
		defer a.work.Done()
		defer func() {
			if p := recover(); p != nil {
				a.log.Error("a panic in the background", "panic", p)
			}
		}()
		work()
	}()
}

// sleep waits for d or until the App is closed.
func (a *App) sleep(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-a.closing.Done():
		return ErrClosed
	}
}

// tell calls the application's hook. Its panics end here: another grant's
// answer may be on its way.
func (a *App) tell(ctx context.Context, e TokenEvent) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("OnTokenChange panicked", "grant", e.GrantID, "event", e.Kind, "panic", p)
		}
	}()
	a.config.Trace.change(e)
	if a.config.OnTokenChange != nil {
		a.config.OnTokenChange(context.WithoutCancel(ctx), e)
	}
}

// backoff doubles from 50 ms to about 13 s, with jitter.
func backoff(try int) time.Duration {
	d := 50 * time.Millisecond << min(try, 8)
	return d/2 + rand.N(d/2)
}

// pollInterval is how long to wait before reading a row again: somebody who
// stands before us in it may be done at any time.
type pollInterval struct{ last time.Duration }

func (p *pollInterval) next(most time.Duration, somebody bool) time.Duration {
	if !somebody {
		return most
	}
	const shortest, longest = 2 * time.Millisecond, 100 * time.Millisecond
	p.last = min(max(p.last+p.last/20, shortest), longest)
	return min(p.last, most)
}
