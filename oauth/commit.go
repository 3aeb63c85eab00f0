package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pair is what a refresh brought, not yet durable: the only copy of a refresh
// token.
type pair struct {
	row    Row // as it was when the intent stood in it
	old    tokens
	answer *answer
	intent string
}

// commit makes a pair durable before anybody uses it. It goes on for as long
// as the process lives: giving up would log the user out. Nil and nil mean:
// load again, as in refresh.
func (f *flight) commit(ctx context.Context, p pair) (*snapshot, error) {
	for try := 0; ; try++ {
		snap, err := f.tryCommit(ctx, p)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrStoreUnavailable) {
			return snap, err
		}
		if try == 0 {
			f.app.config.Trace.commitPending(1)
			defer f.app.config.Trace.commitPending(-1)
		}
		f.app.log.Error("a refresh token waits to be committed", "grant", p.row.GrantID, "attempt", try+1, "error", err)
		time.Sleep(backoff(try)) // not f.app.sleep: Close waits for this
	}
}

func (f *flight) tryCommit(ctx context.Context, p pair) (*snapshot, error) {
	base := p.row.Generation
	row, err := f.app.load(ctx, p.row.GrantID)
	switch {
	case errors.Is(err, ErrNoGrant): // erased meanwhile
		_ = f.app.revokeToken(ctx, f.refreshToken(p)) // nobody is left to be told
		return nil, err
	case errors.Is(err, ErrCorruptRow): // it may be mended
		return nil, fmt.Errorf("%w: %w", ErrStoreUnavailable, err)
	case err != nil:
		return nil, err
	case row.State == StateTombstone && row.Generation <= base:
		return nil, f.buryPair(ctx, row, p)
	case row.State == StateTombstone:
		return nil, fmt.Errorf("oauth: grant %s: %w", row.GrantID, ErrRevoked)
	case row.Generation > base && row.CommittedBy != p.intent:
		f.app.keep(row) // a failover may forget it before that
		return nil, nil // to be adopted; never revoke our own pair: it may be the newer one's parent
	}
	if row.Generation <= base {
		next, err := f.successor(row, p)
		if err != nil {
			return nil, err
		}
		if row, err = f.app.swap(ctx, next); err != nil {
			return nil, err
		}
	} // else it is ours, and its acknowledgement was lost
	if row.State == StateNeedsReauth && row.Reason != ReasonSubjectChanged {
		return nil, nil // lost again since
	}
	if row.State == StateNeedsReauth {
		f.app.log.Error("a refresh brought the tokens of another user", "grant", row.GrantID, "generation", row.Generation)
		f.note(EventNeedsReauth, row)
		return nil, &ReauthError{GrantID: row.GrantID, Reason: row.Reason}
	}
	t, err := f.app.openTokens(row)
	if err != nil {
		return nil, err
	}
	f.app.keep(row)
	snap := newSnapshot(row, t, f.app.windows(row))
	f.state.publish(snap)
	f.note(EventRefreshed, row)
	switch { // only now: nothing may come before the commit
	case p.answer.Flaw != nil:
		f.app.log.Warn("token answer is flawed; its refresh token is kept", "grant", row.GrantID, "flaw", p.answer.Flaw)
	case p.answer.RefreshToken == "":
		f.app.log.Warn("there was no new refresh token; the old one is kept", "grant", row.GrantID)
	}
	f.app.log.Info("refreshed", "grant", row.GrantID, "generation", row.Generation)
	if t.Access == "" {
		return nil, &ProviderError{Endpoint: "token", Err: p.answer.Flaw}
	}
	if p.answer.Lifetime > 0 && snap.expiredAt.passed(time.Now()) {
		return nil, nil // the store was down for a token's lifetime
	}
	return snap, nil
}

// successor is row one generation on. It commits over any needs_reauth of its
// base generation: whoever recorded that did not know of this answer.
func (f *flight) successor(row Row, p pair) (Row, error) {
	generation := p.row.Generation + 1
	sealed, err := f.app.sealTokens(row.GrantID, generation, tokens{
		Access:  string(p.answer.AccessToken),
		Refresh: string(f.refreshToken(p)),
	})
	if err != nil {
		return Row{}, err
	}
	if row.RunID != row.StoreRun || row.Generation < p.row.Generation {
		row.DoubtGen = generation // the failover may have forgotten somebody's probe
		row.RunID = row.StoreRun
	}
	if p.answer.RefreshToken == "" && p.answer.Flaw != nil {
		row.DoubtGen = generation // a new one may have been in the part that is missing
	}
	row.Generation, row.Sealed = generation, sealed
	row.State, row.Reason, row.Intent = StateActive, "", nil
	if sub := subjectOf(p.answer.IDToken); sub != "" && row.Subject != "" && sub != row.Subject {
		row.State, row.Reason = StateNeedsReauth, ReasonSubjectChanged // kept, and used by nobody (OIDC Core 12.2)
	}
	row.CommittedBy, row.CommittedAt = p.intent, row.Now
	row.RefreshIssued, row.Expiry = p.answer.Issued, p.answer.Issued.Add(p.answer.Lifetime)
	if p.answer.Scope != "" {
		row.Scope = p.answer.Scope
	}
	return row, nil
}

// refreshToken is the pair's own or, where the answer had none, the one that
// was sent (RFC 6749 section 6).
func (f *flight) refreshToken(p pair) Secret {
	if p.answer.RefreshToken == "" {
		return Secret(p.old.Refresh)
	}
	return p.answer.RefreshToken
}

// buryPair revokes a pair that arrived after the user signed out.
func (f *flight) buryPair(ctx context.Context, row Row, p pair) error {
	err := f.app.revokeToken(ctx, f.refreshToken(p))
	row.Reason = ReasonConfirmed
	if err != nil {
		row.Reason = ReasonUnreachable
	}
	if stands(p.row, row) {
		row.Intent = nil
	}
	if _, err := f.app.swap(ctx, row); err != nil {
		return err
	}
	return fmt.Errorf("oauth: grant %s: %w", row.GrantID, ErrRevoked)
}
