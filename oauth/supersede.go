package oauth

import "context"

// supersede revokes the other grants of a user who has signed in anew, if the
// app wants one a user. It is no part of the sign-in: failures are logged.
func (a *App) supersede(ctx context.Context, id GrantID, subject string) {
	if !a.config.OneGrantPerUser || subject == "" || !a.begin() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer a.work.Done()
		for row, err := range a.store.Find(ctx, Query{Subject: subject, State: StateActive}) {
			if err == nil && (row.GrantID == id || row.App != a.config.ClientID) {
				continue
			}
			if err == nil {
				err = a.Grant(row.GrantID).Revoke(ctx)
			}
			if err != nil {
				a.log.Warn("an older grant of the user stays", "subject", subject, "grant", row.GrantID, "error", err)
			}
		}
	}()
}
