package oauth

import (
	"context"
	"fmt"
)

// Rearm makes a grant that needs_reauth active again, with the tokens it had,
// and lets the next use try them. It is for operators who know that a refusal
// was not the user's wish: after an outage, say, or once a client secret that
// was wrong is right again. The tokens of another user (ReasonSubjectChanged)
// stay where they are.
func (g *Grant) Rearm(ctx context.Context) error {
	row, err := g.app().change(ctx, g.id, func(r *Row) bool {
		if r.State != StateNeedsReauth || r.Reason == ReasonSubjectChanged {
			return false
		}
		r.State, r.Reason = StateActive, ""
		return true
	})
	switch {
	case err != nil:
		return err
	case row.State == StateTombstone:
		return fmt.Errorf("oauth: grant %s: %w", row.GrantID, ErrRevoked)
	case row.State == StateNeedsReauth:
		return &ReauthError{GrantID: row.GrantID, Reason: row.Reason}
	}
	g.app().log.Info("rearmed", "grant", row.GrantID, "generation", row.Generation)
	return nil
}
