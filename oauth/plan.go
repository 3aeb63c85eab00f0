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
	stepRestore                // the store forgot a generation: plan.err if nobody has it
)

type plan struct {
	step step
	wait time.Duration
	err  error
}

// mostStep is how far a store's clock is thought to step. What is older by it
// need not be watched: processes may live too short a time for that.
const mostStep = time.Hour

// next decides what may be done to get tokens newer than generation known. It
// is the whole of the protocol's caution in one place; wall is our clock, all
// deadlines are in the store's. Since that may step forward, be it that the
// machine was asleep, an intent must have been watched for as long, too.
func next(row Row, known uint64, w windows, wall time.Time, watched time.Duration) plan {
	err := dead(row)
	if row.Generation < known && err == nil {
		err = fmt.Errorf("oauth: grant %s: %w: it went back from generation %d to %d; was a backup restored?",
			row.GrantID, ErrCorruptRow, known, row.Generation)
	}
	switch {
	case row.Generation < known:
		return plan{step: stepRestore, err: err}
	case err != nil:
		return plan{err: err}
	case row.RunID != row.StoreRun:
		return plan{step: stepQuarantine}
	case row.Generation > known:
		return plan{step: stepAdopt}
	case row.Intent != nil:
		// Until the deadline the request may be sent, until the margin after it
		// be under way; and a probe that meets a consumed token may cost the
		// session, so the access token is used up first.
		drained := row.Intent.Deadline.Add(w.drain).Sub(row.Now)
		wait := max(drained, row.Expiry.Sub(wall))
		if drained > -mostStep {
			wait = max(wait, w.least-watched)
		}
		if wait > 0 {
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

// dead is what callers are told of a grant that is no longer active.
func dead(row Row) error {
	switch row.State {
	case StateTombstone:
		return fmt.Errorf("oauth: grant %s: %w", row.GrantID, ErrRevoked)
	case StateNeedsReauth:
		return &ReauthError{GrantID: row.GrantID, Reason: row.Reason}
	}
	return nil
}

// doubtful reports whether a refusal of the row's refresh token may be our own
// doing: this generation or the one before it was probed or quarantined.
func doubtful(row Row) bool {
	return row.DoubtGen != 0 && row.Generation-row.DoubtGen <= 1
}
