package oauth

import (
	"fmt"
	"time"
)

// step is what the rotation protocol allows with a row just loaded.
type step int

const (
	stepFail       step = iota // the grant is dead: plan.err
	stepAdopt                  // the row has tokens newer than those known
	stepQuarantine             // the store failed over: mark the row before anything else
	stepWait                   // not yet: plan.wait
	stepSend                   // write an intent and send
	stepProbe                  // the same, for a refresh token that may be consumed already
)

type plan struct {
	step step
	wait time.Duration
	err  error
}

// next decides what may be done to get tokens newer than generation known. It
// is the whole of the protocol's caution in one place; wall is our clock, all
// deadlines are in the store's.
func next(row Row, known uint64, w windows, wall time.Time) plan {
	switch row.State {
	case StateTombstone:
		return plan{err: fmt.Errorf("oauth: grant %s: %w", row.GrantID, ErrRevoked)}
	case StateNeedsReauth:
		return plan{err: &ReauthError{GrantID: row.GrantID, Reason: row.Reason}}
	}
	switch {
	case row.RunID != row.StoreRun:
		return plan{step: stepQuarantine}
	case row.Generation > known:
		return plan{step: stepAdopt}
	case row.Generation < known:
		return plan{err: fmt.Errorf("oauth: grant %s: %w: it went back from generation %d to %d; was a backup restored?",
			row.GrantID, ErrCorruptRow, known, row.Generation)}
	case row.Intent != nil:
		// Until the deadline the request may be sent, until the margin after it
		// be under way; and a probe that meets a consumed token may cost the
		// session, so the access token is used up first.
		drained := row.Intent.Deadline.Add(w.drain).Sub(row.Now)
		if wait := max(drained, row.Expiry.Sub(wall)); wait > 0 {
			return plan{step: stepWait, wait: wait}
		}
		return plan{step: stepProbe}
	}
	if wait := row.CommittedAt.Add(w.least).Sub(row.Now); wait > 0 && wait <= w.least {
		return plan{step: stepWait, wait: wait}
	}
	if row.DoubtGen == row.Generation { // nothing is under way, but the session is at stake as above
		if wait := row.Expiry.Sub(wall); wait > 0 {
			return plan{step: stepWait, wait: wait}
		}
		return plan{step: stepProbe}
	}
	return plan{step: stepSend}
}

// doubtful reports whether a refusal of the row's refresh token may be our own
// doing: this generation or the one before it was probed or quarantined.
func doubtful(row Row) bool {
	return row.DoubtGen != 0 && row.Generation-row.DoubtGen <= 1
}
