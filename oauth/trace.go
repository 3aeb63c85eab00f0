package oauth

import "time"

// Trace are functions that an App calls where something can be counted or
// timed. Any may be nil. They are called from many goroutines at once, hold up
// what they measure, and are handed no secret; a panic of theirs is ignored.
// Package otelmetrics has one for
// OpenTelemetry.
type Trace struct {
	// Change hears of every committed change of a grant, like
	// Config.OnTokenChange and before it.
	Change func(TokenEvent)
	// TokenRequest hears of every request that presents a refresh token: how
	// long it took, whether it was a probe (of a token that may be consumed
	// already), and its error, a *ProviderError.
	TokenRequest func(took time.Duration, probe bool, err error)
	// Wait hears of every caller that had to wait for tokens, and of what it got.
	Wait func(took time.Duration, err error)
	// Store hears of every read ("load") and write ("swap") of a grant's row.
	// The error is the store's own.
	Store func(operation string, took time.Duration, err error)
	// CommitPending is called with 1 when a refresh token that was received
	// cannot be stored at once, and with -1 when its wait is over. While it
	// waits it exists in this process alone.
	CommitPending func(delta int)
}

// protected runs one of them. Its panic ends here: what is measured may be the
// storing of the only copy of a token.
func protected(f func()) {
	defer func() { _ = recover() }()
	f()
}

func (t *Trace) change(e TokenEvent) {
	if t.Change != nil {
		protected(func() { t.Change(e) })
	}
}

func (t *Trace) tokenRequest(began time.Time, probe bool, fail *ProviderError) {
	if t.TokenRequest == nil {
		return
	}
	var err error
	if fail != nil {
		err = fail
	}
	protected(func() { t.TokenRequest(time.Since(began), probe, err) })
}

func (t *Trace) wait(began time.Time, err error) {
	if t.Wait != nil {
		protected(func() { t.Wait(time.Since(began), err) })
	}
}

func (t *Trace) store(operation string, began time.Time, err error) {
	if t.Store != nil {
		protected(func() { t.Store(operation, time.Since(began), err) })
	}
}

func (t *Trace) commitPending(delta int) {
	if t.CommitPending != nil {
		protected(func() { t.CommitPending(delta) })
	}
}
