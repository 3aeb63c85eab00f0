package oauth

import (
	"cmp"
	"context"
)

// supersede revokes the older grants of a user who has signed in anew, if the
// app wants one a user. It is no part of the sign-in: failures are logged.
func (a *App) supersede(ctx context.Context, login *Login) {
	subject := login.Subject
	if !a.config.OneGrantPerUser || subject == "" {
		return
	}
	ctx = context.WithoutCancel(ctx)
	a.background(func() {
		anew, err := a.load(ctx, login.GrantID)
		if err != nil {
			a.log.Warn("older grants of the user stay", "subject", subject, "error", err)
			return
		}
		for row, err := range a.store.Find(ctx, Query{Subject: subject, State: StateActive}) {
			if err == nil && (row.App != a.config.ClientID || !older(row, anew)) {
				continue
			}
			if err == nil {
				err = a.Grant(row.GrantID).Revoke(ctx)
			}
			if err != nil {
				a.log.Warn("an older grant of the user stays", "subject", subject, "grant", row.GrantID, "error", err)
			}
		}
	})
}

// older reports whether row's sign-in came before that of anew. Of two grants,
// exactly one is older: sign-ins in two tabs must not end each other.
func older(row, anew Row) bool {
	return cmp.Or(
		cmp.Compare(anew.Generation, row.Generation), // what was refreshed has been there longer
		row.CommittedAt.Compare(anew.CommittedAt),
		cmp.Compare(row.GrantID, anew.GrantID),
	) < 0
}
