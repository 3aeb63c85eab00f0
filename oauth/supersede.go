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
		for _, id := range a.olderGrants(ctx, login) {
			if err := a.Grant(id).Revoke(ctx); err != nil {
				a.log.Warn("an older grant of the user stays", "subject", subject, "grant", id, "error", err)
			}
		}
	})
}

// olderGrants finds the user's grants of before the sign-in. Close waits for
// it, so that the store gets no more time than for any other operation.
func (a *App) olderGrants(ctx context.Context, login *Login) (ids []GrantID) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	anew, err := a.load(ctx, login.GrantID)
	if err != nil {
		a.log.Warn("older grants of the user stay", "subject", login.Subject, "error", err)
		return nil
	}
	for row, err := range a.store.Find(ctx, Query{Subject: login.Subject, State: StateActive}) {
		switch {
		case err != nil:
			a.log.Warn("an older grant of the user may stay", "subject", login.Subject, "error", err)
		case row.App == a.config.ClientID && older(row, anew):
			ids = append(ids, row.GrantID)
		}
	}
	return ids
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
