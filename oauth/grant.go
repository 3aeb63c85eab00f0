package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/transport"
)

// Grant is one user's authorization. It is a cheap handle, safe for concurrent
// use; all handles of one id in a process share tokens and refreshes.
//
// A Grant is a transport.Credential: give it to opencloud's Client.As.
type Grant struct {
	id    GrantID
	state atomic.Pointer[grantState]
}

var _ transport.Credential = (*Grant)(nil)

// Grant returns the handle of a grant. It does no I/O: an unknown id shows at
// first use, as ErrNoGrant.
func (a *App) Grant(id GrantID) *Grant {
	g := &Grant{id: id}
	g.state.Store(a.grants.state(id))
	return g
}

// live returns the grant's state, anew if it had to give way in the cache.
func (g *Grant) live() *grantState {
	s := g.state.Load()
	if s.current.Load() == nil && s.evicted.Load() {
		s = s.app.grants.state(g.id)
		g.state.Store(s)
	}
	return s
}

func (g *Grant) app() *App { return g.state.Load().app }

// ID returns the grant's id.
func (g *Grant) ID() GrantID { return g.id }

// CredentialID implements transport.Credential.
func (g *Grant) CredentialID() string { return string(g.id) }

// RoundTripper implements transport.Credential: it returns a Transport.
func (g *Grant) RoundTripper(base http.RoundTripper, allowed transport.Origins) http.RoundTripper {
	return &Transport{Grant: g, Base: base, Origins: allowed}
}

// Token returns an access token that has not expired, refreshing first if need
// be; the wait ends with ctx, the refresh does not. The token is a copy and
// carries no refresh token: that has one owner, the store.
func (g *Grant) Token(ctx context.Context) (*oauth2.Token, error) {
	snap, err := g.live().usable(ctx)
	if err != nil {
		return nil, err
	}
	return snap.oauth2Token(), nil
}

// Refresh gets a new access token now. Refreshes of a grant are at least
// Config.SendBudget + Config.DrainMargin apart, so it may wait that long. Use
// it sparingly: tokens refresh by themselves.
func (g *Grant) Refresh(ctx context.Context) (*oauth2.Token, error) {
	s := g.live()
	known, err := s.learn(ctx)
	if err != nil {
		return nil, err
	}
	snap, err := s.newer(ctx, aim{known: known, past: true})
	if err != nil {
		return nil, err
	}
	return snap.oauth2Token(), nil
}

func (s *snapshot) oauth2Token() *oauth2.Token {
	return &oauth2.Token{AccessToken: s.token(), TokenType: "Bearer", Expiry: s.expiry}
}

// Client returns an http.Client whose requests carry the grant's access token
// to Roblox's API, or to the origins that Config names, and to nobody else.
func (g *Grant) Client() *http.Client {
	return &http.Client{Transport: g.RoundTripper(nil, g.app().origins)}
}

// Info is what is known of a grant without its tokens.
type Info struct {
	GrantID    GrantID
	Subject    string // the Roblox user id
	Scopes     []string
	State      State
	Reason     Reason
	Generation uint64
	Issued     time.Time // of the access token
	Expiry     time.Time // likewise
}

// Info reads the grant from the store.
func (g *Grant) Info(ctx context.Context) (Info, error) {
	row, err := g.app().load(ctx, g.id)
	if err != nil {
		return Info{}, err
	}
	return infoOf(row), nil
}

func infoOf(row Row) Info {
	return Info{
		GrantID: row.GrantID, Subject: row.Subject, Scopes: splitScopes(row.Scope),
		State: row.State, Reason: row.Reason, Generation: row.Generation,
		Issued: row.RefreshIssued, Expiry: row.Expiry,
	}
}

// createGrant commits what a sign-in brought, before anything looks at it.
func (a *App) createGrant(ctx context.Context, ans *answer) (GrantID, error) {
	if ans.RefreshToken == "" {
		err := errors.New("it gave no refresh token; some providers want the scope offline_access for one")
		if ans.Flaw != nil { // the refresh token may be in what is missing
			err = ans.Flaw
		}
		return "", &ProviderError{Endpoint: "token", Err: err}
	}
	id := NewGrantID()
	sealed, err := a.sealTokens(id, 1, tokens{Access: string(ans.AccessToken), Refresh: string(ans.RefreshToken)})
	if err != nil {
		return "", err
	}
	scope := ans.Scope
	if scope == "" { // as asked for (RFC 6749 section 5.1)
		scope = strings.Join(a.config.Scopes, " ")
	}
	row, err := a.create(ctx, Row{
		GrantID: id, App: a.config.ClientID, Generation: 1, State: StateActive,
		RefreshIssued: ans.Issued, Expiry: ans.Issued.Add(ans.Lifetime), Scope: scope, Sealed: sealed,
	})
	if err != nil {
		return "", err
	}
	// Only now are the store's clock and run known.
	_, err = a.change(ctx, id, func(r *Row) bool {
		r.RunID, r.CommittedAt = row.StoreRun, row.Now
		return true
	})
	if err != nil { // nobody will know of it
		if row, loadErr := a.load(ctx, id); loadErr == nil {
			_ = a.remove(ctx, row) // the caller has the token revoked
		}
		return "", err
	}
	return id, nil
}

// create stores the first row of a grant. What of unknown outcome is found
// under its new id was written.
func (a *App) create(ctx context.Context, row Row) (Row, error) {
	stored, err := a.swap(ctx, row)
	if err == nil || errors.Is(err, ErrNotWritten) {
		return stored, err
	}
	if found, loadErr := a.load(ctx, row.GrantID); loadErr == nil {
		return found, nil
	}
	return Row{}, err
}

// setSubject records whose grant it is, once an ID token has proved it.
func (a *App) setSubject(ctx context.Context, id GrantID, subject string) error {
	row, err := a.change(ctx, id, func(r *Row) bool { r.Subject = subject; return true })
	if err != nil {
		return err
	}
	a.log.Info("signed in", "grant", id, "subject", subject)
	a.tell(ctx, newEvent(EventSignedIn, row))
	return nil
}
