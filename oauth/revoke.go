package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Revoke ends the grant: first here, by a tombstone that no late answer
// undoes, then at the provider (RFC 7009). Nil means that the provider has
// accepted the revocation of the newest token. Once it is being told, it is told
// and its answer recorded whenever ctx ends, in twenty seconds at most. After
// ErrStoreUnavailable (also where ctx ended while the store was asked),
// ErrClosed, ErrNoGrant and ErrCorruptRow it may be as it was. After any other
// error the grant is dead here all the same, and calling Revoke again tries the
// provider again.
func (g *Grant) Revoke(ctx context.Context) error {
	a := g.app()
	if !a.begin() {
		return ErrClosed
	}
	defer a.work.Done()
	return g.revoke(ctx)
}

// revoke is part of a work that Close waits for.
func (g *Grant) revoke(ctx context.Context) error {
	a := g.app()
	row, err := a.change(ctx, g.id, a.bury)
	if err != nil {
		return err
	}
	a.revoked.add(g.id)
	if a.replaced(row.StoreRun) {
		a.buryAllAgain([]GrantID{g.id})
	}
	g.live().publish(&snapshot{generation: revokedHere}) // expired and final: callers read the row
	if row.Reason == ReasonConfirmed {
		return nil
	}
	last, err := g.revokeNewest(ctx)
	if last.State != "" { // else ctx has ended, say, and the tombstone is all that is known
		row = last
	}
	a.log.Info("revoked", "grant", row.GrantID, "provider", row.Reason)
	a.tell(ctx, newEvent(EventRevoked, row))
	return err
}

// revokedHere is the generation of a grant that this process has revoked: no
// row is newer, and if the store forgets the tombstone, this process does not.
const revokedHere = ^uint64(0)

// bury makes a row a tombstone, pending until the provider was told.
func (a *App) bury(r *Row) bool {
	kept, forgotten := a.recent.after(*r)
	failedOver := r.RunID != r.StoreRun
	switch {
	case forgotten: // the newest token is the one to revoke
		*r = restored(*r, kept, a.windows(*r))
	case r.State == StateTombstone && (!failedOver || r.Reason == ReasonConfirmed):
		return false
	case failedOver:
		*r = quarantined(*r, a.windows(*r))
	}
	r.State, r.Reason = StateTombstone, ReasonPending // intent, doubt and tokens stay
	return true
}

// revokeNewest tells the provider, once no request of ours can bring a token
// newer than the row's any more, and returns the row as it met it last.
func (g *Grant) revokeNewest(ctx context.Context) (Row, error) {
	a := g.app()
	if err := g.live().idle(ctx); err != nil { // a flight buries its own pair
		return Row{}, fmt.Errorf("oauth: grant %s is signed out here, but the provider was not told: %w", g.id, err)
	}
	row, err := a.load(ctx, g.id)
	for err == nil && row.Intent != nil && row.Intent.Deadline.After(row.Now) && ctx.Err() == nil {
		if err = a.sleep(min(row.Intent.Deadline.Sub(row.Now), 100*time.Millisecond)); err == nil {
			row, err = a.load(ctx, g.id)
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil || row.Reason == ReasonConfirmed {
		return row, err
	}
	t, err := a.openTokens(row)
	if err != nil {
		return row, err
	}
	told, toldErr := row.Generation, a.revokeToken(ctx, Secret(t.Refresh))
	var revokeErr error
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	row, err = a.change(recording, g.id, func(r *Row) bool {
		revokeErr = toldErr // anew for each row that is found
		switch {
		case r.State != StateTombstone: // the store failed over
			return a.bury(r)
		case r.Reason == ReasonConfirmed, r.Generation > told: // written back meanwhile
			return false
		case revokeErr == nil && (r.Intent != nil || doubtful(*r)): // as it is by now
			revokeErr = errUnheard
		}
		r.Reason = ReasonUnreachable
		if revokeErr == nil {
			r.Reason = ReasonConfirmed
		}
		return true
	})
	switch {
	case err != nil:
		return Row{}, err
	case row.Generation > told, row.Reason == ReasonPending:
		return g.revokeNewest(ctx)
	case row.Reason != ReasonConfirmed:
		return row, fmt.Errorf("oauth: grant %s is signed out here, but not surely at the provider: %w", g.id, revokeErr)
	}
	return row, nil
}

// errUnheard: all that is left to revoke is a token that nobody here has.
var errUnheard = errors.New("a refresh is unanswered, whose token the provider may still honour")

// revokeToken asks the provider to forget a token. A success says that it was
// asked: RFC 7009 answers so for unknown tokens too.
func (a *App) revokeToken(ctx context.Context, token Secret) error {
	if a.provider.RevocationURL == "" {
		return &ProviderError{Endpoint: "revoke", Err: ErrNotOffered}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	return a.callForm(ctx, "revoke", a.provider.RevocationURL, url.Values{"token": {string(token)}}, nil)
}

// callForm posts form with the client's credentials and decodes a 2xx answer
// into result, unless that is nil.
func (a *App) callForm(ctx context.Context, endpoint, at string, form url.Values, result any) error {
	req, _, err := a.newForm(ctx, at, form)
	if err != nil {
		return &ProviderError{Endpoint: endpoint, Err: err}
	}
	return call(a.client, endpoint, req, result, form.Get("token"), string(a.config.ClientSecret))
}

// call sends req and decodes a 2xx answer into result, unless that is nil.
func call(client *http.Client, endpoint string, req *http.Request, result any, secrets ...string) error {
	resp, err := client.Do(req)
	if err != nil {
		return &ProviderError{Endpoint: endpoint, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	return decode(endpoint, resp, result, secrets)
}
