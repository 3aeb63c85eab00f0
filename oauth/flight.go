package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// flight is one attempt of this process to get newer tokens for a grant,
// shared by all callers that wait for them. It is at most one a grant.
type flight struct {
	app   *App
	state *grantState
	aim
	lockedSince time.Time // when another process was first found to hold the flight lock

	woken  chan struct{} // the row was written
	done   chan struct{} // closed at the end, when the rest is set
	holds  time.Time     // until then err stands for further callers too
	sent   bool          // a refresh token went out
	got    *snapshot
	err    error
	events []TokenEvent
}

// storeLimit bounds one operation of the store; a write cut off by it is a
// write of unknown outcome.
const storeLimit = 10 * time.Second

func (f *flight) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			f.err = fmt.Errorf("oauth: grant %s: a panic while refreshing: %v", f.state.id, p)
		}
		if f.err != nil && !errors.Is(f.err, errNotRenewed) {
			f.state.pause()
			if f.sent || !errors.Is(f.err, ErrNeedsReauth) { // a grant that was over before has had its line
				f.app.log.Warn("refresh failed", "grant", f.state.id, "error", f.err)
			}
		}
	}()
	f.got, f.err = f.fly(ctx)
}

// fly loads, decides by next, acts, and loads again until it has an answer.
func (f *flight) fly(ctx context.Context) (*snapshot, error) {
	poll, beaten := pollInterval{}, 0
	for {
		start := time.Now() // before the load: budgets may be over early, never late
		row, err := f.app.load(ctx, f.state.id)
		if err != nil {
			return nil, err
		}
		if row.State != StateTombstone && (f.known == revokedHere || f.app.revoked.has(f.state.id)) {
			if row, err = f.app.buryAgain(ctx, f.state.id); err != nil {
				return nil, err
			}
		}
		w := f.app.windows(row)
		known := f.known
		kept, forgotten := f.app.recent.after(row)
		if forgotten {
			known = max(known, kept.Generation)
		}
		p := next(row, known, w, start.Round(0), f.state.watched(row, time.Now()))
		if f.refusal && (p.step == stepWait || p.step == stepSend) && leaveIt(row, start.Round(0)) {
			return nil, errNotRenewed
		}
		switch p.step {
		case stepFail:
			return nil, p.err
		case stepAdopt:
			snap, err := f.adopt(row)
			if err != nil || !snap.expiredAt.passed(time.Now()) {
				return snap, err
			}
			f.known = row.Generation
		case stepRestore:
			if !forgotten || beaten >= mostBeaten {
				return nil, p.err
			}
			if err := f.app.restore(ctx, row, kept); err != nil && !errors.Is(err, ErrConflict) {
				return nil, err
			}
			if beaten++; beaten > 1 {
				if err := f.app.sleep(backoff(beaten)); err != nil {
					return nil, err
				}
			}
		case stepQuarantine:
			if err := f.quarantine(ctx, row, w); err != nil {
				return nil, err
			}
		case stepWait:
			if p.wait > max(w.least, w.early) { // only an access token that still serves takes so long
				if cur := f.state.current.Load(); f.background && cur != nil && cur.generation != revokedHere {
					f.state.pause()
					return cur, nil
				}
				if !f.underway(row) {
					return nil, fmt.Errorf("oauth: grant %s: %w until %s", row.GrantID, ErrInDoubt, row.Expiry.Format(time.RFC3339))
				}
			}
			if err := f.rest(poll.next(p.wait, row.Intent != nil)); err != nil {
				return nil, err
			}
		case stepSend, stepProbe:
			if f.refusal {
				if since := row.Now.Sub(row.ForcedAt); since >= 0 && since < refusalInterval {
					return nil, errNotRenewed
				}
				row.ForcedAt = row.Now
			}
			release, err := f.lock(ctx, w)
			if err != nil {
				return nil, err
			}
			if release == nil {
				if err := f.rest(poll.next(w.least, true)); err != nil {
					return nil, err
				}
				continue
			}
			snap, err := func() (*snapshot, error) {
				defer release()
				return f.refresh(ctx, row, budget{start: start, size: w.send}, p.step == stepProbe)
			}()
			if snap != nil || err != nil {
				return snap, err
			}
			if beaten++; beaten > 1 { // twice in a row: the store may be reading old rows
				if err := f.app.sleep(backoff(beaten)); err != nil {
					return nil, err
				}
			}
		}
	}
}

// unsent reports whether the flight failed before it could send anything.
func (f *flight) unsent() bool {
	_, fromProvider := errors.AsType[*ProviderError](f.err)
	return !f.sent && (fromProvider || errors.Is(f.err, ErrStoreUnavailable) || errors.Is(f.err, ErrProviderDown))
}

// underway reports whether the refresh that row announces may yet be answered
// in time. Of its own this process knows better: it is in doubt.
func (f *flight) underway(row Row) bool {
	return row.Intent != nil && row.Intent.ID != f.state.unanswered && row.Intent.Deadline.After(row.Now)
}

// adopt takes over the tokens of a row that somebody committed.
func (f *flight) adopt(row Row) (*snapshot, error) {
	snap, err := f.app.snapshotOf(row)
	if err != nil {
		return nil, err
	}
	if cur := f.state.current.Load(); cur != nil && cur.generation < snap.generation {
		f.note(EventAdopted, row)
	}
	f.state.publish(snap)
	return snap, nil
}

func (f *flight) quarantine(ctx context.Context, row Row, w windows) error {
	_, err := f.app.swap(ctx, quarantined(row, w))
	if err == nil || errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// quarantined is a row after the store failed over: it may have forgotten an
// intent, so nobody sends until a request under it would have drained.
func quarantined(row Row, w windows) Row {
	row.RunID = row.StoreRun
	row.DoubtGen = row.Generation
	row.Intent = &Intent{ID: rowID(row), Base: row.Generation, Deadline: row.Now.Add(w.send)}
	return row
}

func rowID(row Row) string {
	if row.Intent != nil {
		return row.Intent.ID
	}
	return newIntentID()
}

func newIntentID() string { return string(NewGrantID()) }

// refresh announces, sends and commits. Nil and nil mean: load again, things
// have changed.
func (f *flight) refresh(ctx context.Context, row Row, b budget, probe bool) (*snapshot, error) {
	t, err := f.app.openTokens(row)
	if err == nil {
		row, err = f.app.resealed(row)
	}
	if err == nil {
		err = f.admitted()
	}
	if err != nil {
		return nil, err
	}
	intent := Intent{ID: newIntentID(), Base: row.Generation, Deadline: row.Now.Add(b.size)}
	row, err = f.announceIntent(ctx, row, intent, probe, b)
	if row.Intent == nil || err != nil {
		return nil, err
	}
	f.state.watched(row, time.Now()) // from now on, should no answer come
	f.app.log.Debug("refreshing", "grant", row.GrantID, "generation", row.Generation, "intent", intent.ID, "probe", probe)

	f.state.sends(intent.ID)
	began := time.Now()
	ans, sent, fail := f.app.postToken(ctx, b, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {t.Refresh},
	}, t.Refresh, t.Access)
	f.app.config.Trace.tokenRequest(began, probe, fail)
	f.sent = f.sent || sent
	f.learn(fail)
	switch {
	case fail == nil:
		return f.commit(ctx, pair{row: row, old: t, answer: ans, intent: intent.ID})
	case !sent:
		f.withdraw(ctx, row)
		return nil, fmt.Errorf("oauth: grant %s: nothing was sent: %w", row.GrantID, fail)
	case fail.Code == "invalid_grant" && fail.Status < http.StatusInternalServerError:
		return f.refused(ctx, row, probe, fail)
	}
	f.state.unanswered = intent.ID
	return nil, fmt.Errorf("oauth: grant %s: %w: %w", row.GrantID, ErrInDoubt, fail)
}

// announceIntent makes intent durable. A write of unknown outcome is read
// again and repeated under the same id, so that it cannot land as a stranger.
// A row without an intent means that somebody was faster.
func (f *flight) announceIntent(ctx context.Context, row Row, intent Intent, probe bool, b budget) (Row, error) {
	for try := 0; ; try++ {
		row.Intent = &intent
		if probe {
			row.DoubtGen = row.Generation
		}
		stored, err := f.app.swap(ctx, row)
		switch {
		case err == nil:
			return stored, nil
		case errors.Is(err, ErrConflict) && try == 0: // later it may be with our own first write
			return Row{}, nil
		case errors.Is(err, ErrNotWritten):
			return Row{}, err
		}
		again, loadErr := f.reread(ctx, b)
		switch {
		case loadErr != nil:
			return Row{}, loadErr // nothing was sent; the intent, if written, runs out by itself
		case again.Intent != nil && again.Intent.ID == intent.ID && again.RunID == again.StoreRun && again.Generation == row.Generation:
			return again, nil
		case again.Version != row.Version || again.StoreRun != row.StoreRun:
			return Row{}, nil
		case b.left() <= 0:
			return Row{}, err
		}
		if err := f.app.sleep(backoff(try)); err != nil {
			return Row{}, err
		}
	}
}

// reread reads the row after a write of unknown outcome, for as long as there
// would be time to send: an intent that stands unsent leaves a doubt behind.
func (f *flight) reread(ctx context.Context, b budget) (Row, error) {
	for try := 0; ; try++ {
		row, err := f.app.load(ctx, f.state.id)
		if !errors.Is(err, ErrStoreUnavailable) || b.left() <= 0 {
			return row, err
		}
		if err := f.app.sleep(min(backoff(try), b.left())); err != nil {
			return Row{}, err
		}
	}
}

// stands reports whether row's intent is the announced one as it was written. A
// quarantine keeps its id, and stands for what the store forgot as well.
func stands(announced, row Row) bool {
	return row.Intent != nil && row.Intent.ID == announced.Intent.ID && row.RunID == announced.RunID
}

// withdraw takes back an intent under which nothing is under way. Failing that,
// it runs out by itself.
func (f *flight) withdraw(ctx context.Context, announced Row) {
	row, err := f.app.load(ctx, f.state.id)
	if err != nil || !stands(announced, row) {
		return
	}
	row.Intent = nil
	_, _ = f.app.swap(ctx, row) // failing is harmless, as said
}

// refused handles invalid_grant: somebody rotated before us, or it is the end.
// That is recorded however long it takes: the next probe would know less.
func (f *flight) refused(ctx context.Context, base Row, probe bool, fail *ProviderError) (*snapshot, error) {
	believed := sync.OnceValue(func() bool { return f.believes(fail) })
	written := false // perhaps
	for try := 0; ; try++ {
		row, err := f.app.load(ctx, base.GrantID)
		if err == nil {
			switch {
			case written && row.State == StateNeedsReauth && row.Generation == base.Generation:
				return nil, f.lost(row, fail)
			case row.State != StateActive, row.RunID != row.StoreRun, row.Generation < base.Generation:
				return nil, nil
			case row.Generation > base.Generation:
				f.withdraw(ctx, base)
				return nil, nil
			}
			if !believed() {
				f.withdraw(ctx, base)
				return nil, f.admitted()
			}
			row.State, row.Reason = StateNeedsReauth, ReasonRevoked
			if stands(base, row) { // else somebody's probe is under way, for which a Rearm has to wait
				row.Intent = nil
			}
			if probe || doubtful(row) {
				row.Reason = ReasonLostInFlight
			}
			if row, err = f.app.swap(ctx, row); err == nil {
				return nil, f.lost(row, fail)
			}
			written = written || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotWritten)
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrStoreUnavailable) {
			return nil, err
		}
		time.Sleep(backoff(try)) // not f.app.sleep: Close waits for this, too
	}
}

// lost tells of a grant whose end row records.
func (f *flight) lost(row Row, fail *ProviderError) error {
	f.app.log.Warn("grant lost", "grant", row.GrantID, "generation", row.Generation, "reason", row.Reason)
	f.note(EventNeedsReauth, row)
	return fmt.Errorf("%w: %w", &ReauthError{GrantID: row.GrantID, Reason: row.Reason}, fail)
}

func (f *flight) note(kind EventKind, row Row) { f.events = append(f.events, newEvent(kind, row)) }

// announce tells of what was committed, once nobody waits any more.
func (f *flight) announce(ctx context.Context) {
	for _, e := range f.events {
		f.app.tell(ctx, e)
	}
}
