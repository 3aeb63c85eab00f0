package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/api/oauthv1"
)

// Login is a finished sign-in. It holds no secret.
type Login struct {
	// GrantID names the grant. Keep it in the server-side session, in a new
	// one: a session id from before the sign-in may be known to others.
	GrantID GrantID
	// Subject is the Roblox user id, empty without the scope "openid".
	Subject string
	// ReturnTo is the path on this site to go on at, never empty.
	ReturnTo string
	// Scopes as granted, which may be fewer than were asked for.
	Scopes []string
	// IDToken is nil without the scope "openid".
	IDToken *IDToken
}

// CallbackHandler answers the provider's redirect. done binds the new grant to
// the user's session; if it writes no answer, the browser goes on to
// Login.ReturnTo. If done fails or panics, the grant is revoked, since nobody
// knows its id; Config.OnError answers a failure. Close waits for done.
func (a *App) CallbackHandler(done func(http.ResponseWriter, *http.Request, *Login) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.begin() {
			a.refuse(w, r, failed(ErrSignInFailed, ErrClosed))
			return
		}
		defer a.work.Done()
		login, err := a.finishLogin(w, r)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		answer := &watchedWriter{ResponseWriter: w}
		if err := a.bind(answer, r, login, done); err != nil { //nolint:contextcheck // a browser that leaves must not keep the grant
			e := failed(ErrSignInFailed, err)
			e.Status = http.StatusInternalServerError
			a.refuse(w, r, e)
			return
		}
		if !answer.written {
			http.Redirect(w, r, login.ReturnTo, http.StatusSeeOther)
		}
		a.supersede(r.Context(), login)
	})
}

// bind calls done, and revokes the grant unless it returns nil.
func (a *App) bind(w http.ResponseWriter, r *http.Request, login *Login, done func(http.ResponseWriter, *http.Request, *Login) error) error {
	bound := false
	defer func() {
		if !bound {
			a.discard(context.WithoutCancel(r.Context()), login.GrantID)
		}
	}()
	err := done(w, r, login)
	bound = err == nil
	return err
}

// watchedWriter notes whether an answer was begun.
type watchedWriter struct {
	http.ResponseWriter

	written bool
}

// WriteHeader implements http.ResponseWriter.
func (w *watchedWriter) WriteHeader(status int) {
	w.written = w.written || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watchedWriter) Write(b []byte) (int, error) {
	w.written = true
	return w.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// FinishLogin completes the sign-in that the provider's redirect r belongs to:
// it takes the flow, exchanges the code, once, commits the new grant
// and verifies the ID token. A grant whose ID token does not hold is revoked.
// To w it adds header fields only, among them one that clears the flow's
// cookie. Errors are *CallbackError; before the state has proved right,
// nothing is sent to the provider.
func (a *App) FinishLogin(w http.ResponseWriter, r *http.Request) (*Login, error) {
	if !a.begin() {
		return nil, failed(ErrSignInFailed, ErrClosed)
	}
	defer a.work.Done()
	login, err := a.finishLogin(w, r)
	if err == nil {
		a.supersede(r.Context(), login)
	}
	return login, err
}

// finishLogin is part of a work that Close waits for.
func (a *App) finishLogin(w http.ResponseWriter, r *http.Request) (*Login, error) {
	noTrace(w)
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		e := failed(ErrBadCallback, errors.New("the method is not GET"))
		e.Status = http.StatusMethodNotAllowed
		return nil, e
	}
	params, err := parseCallback(r.URL.RawQuery)
	if err != nil {
		return nil, failed(ErrBadCallback, err)
	}
	flow, err := a.takeFlow(r.Context(), params.state, a.flowCookie(r, params.state))
	if err != nil {
		return nil, err
	}
	a.clearCookie(w, a.cookieName(params.state))
	if err := a.checkIssuer(flow, params); err != nil {
		return nil, err
	}
	if params.code == "" {
		return nil, denied(params)
	}
	// The code is spent from here on: a browser that leaves must not take the
	// tokens with it.
	return a.redeem(context.WithoutCancel(r.Context()), flow, params)
}

// checkIssuer defends against mix-up (RFC 9207 section 2.4).
func (a *App) checkIssuer(flow flowSecrets, params *callbackParams) error {
	switch {
	case flow.Issuer != a.provider.Issuer:
		return failed(ErrSignInFailed, errors.New("the provider was changed while it was under way"))
	case params.issuer == "" && a.provider.NamesIssuer:
		return failed(ErrBadCallback, errors.New("iss is missing"))
	case params.issuer != "" && params.issuer != a.provider.Issuer:
		return failed(ErrBadCallback, errors.New("iss is another provider's"))
	}
	return nil
}

// denied turns the error of RFC 6749 section 4.1.2.1 into ours.
func denied(params *callbackParams) error {
	if params.failure == "access_denied" {
		return failed(ErrDenied, nil)
	}
	return failed(ErrSignInFailed, &ProviderError{
		Endpoint:    "authorize",
		Code:        errorCode(params.failure),
		Description: describe(params.description, []string{params.state}),
	})
}

// redeem turns a code into a verified grant.
func (a *App) redeem(ctx context.Context, flow flowSecrets, params *callbackParams) (*Login, error) {
	ans, err := a.exchange(ctx, Secret(params.code), Secret(flow.Verifier))
	if err != nil {
		return nil, exchangeFailed(err)
	}
	if ans.Scope == "" { // as asked for (RFC 6749 section 5.1)
		ans.Scope = strings.Join(a.config.Scopes, " ")
	}
	id, err := a.createGrant(ctx, ans)
	if err != nil {
		if ans.RefreshToken != "" {
			_ = a.revokeToken(ctx, ans.RefreshToken) // nobody will use it; the error worth telling is the store's
		}
		return nil, failed(ErrSignInFailed, err)
	}
	login := &Login{GrantID: id, ReturnTo: flow.ReturnTo, Scopes: strings.Fields(ans.Scope)}
	if err := a.identify(ctx, login, flow, ans); err != nil {
		a.discard(ctx, id)
		return nil, err
	}
	return login, nil
}

// identify verifies whose grant it is and that it is of use.
func (a *App) identify(ctx context.Context, login *Login, flow flowSecrets, ans *answer) error {
	if slices.Contains(a.config.Scopes, "openid") || ans.IDToken != "" {
		token, err := a.verifier.Verify(ctx, ans.IDToken, flow.Nonce, ans.AccessToken)
		if err != nil {
			return failed(ErrSignInFailed, err)
		}
		login.IDToken, login.Subject = token, token.Subject
	}
	if flow.RequireResources {
		asking, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		resources, err := a.Grant(login.GrantID).Resources(asking)
		if err != nil {
			return failed(ErrSignInFailed, err)
		}
		if !anyCreator(resources) {
			return failed(ErrNoCreators, nil)
		}
	}
	if err := a.setSubject(ctx, login.GrantID, login.Subject); err != nil {
		return failed(ErrSignInFailed, err)
	}
	return nil
}

func exchangeFailed(err error) error {
	fail, ok := errors.AsType[*ProviderError](err)
	switch {
	case ok && strings.Contains(fail.Description, "may not be used from this device"): // it has no code of its own
		return failed(ErrOtherDevice, err)
	case ok && fail.Code == "invalid_grant":
		return failed(ErrCodeExpired, err)
	}
	return failed(ErrSignInFailed, err)
}

// discard revokes a grant that nobody will know of, also while the App closes.
func (a *App) discard(ctx context.Context, id GrantID) {
	if err := a.Grant(id).revoke(ctx); err != nil {
		a.log.WarnContext(ctx, "a refused sign-in was not revoked", "grant", id, "error", err)
	}
}

// callbackParams are what a provider's redirect carries.
type callbackParams struct{ state, code, failure, description, issuer string }

const (
	maxCallbackQuery = 8 << 10
	maxCallbackParam = 4 << 10
)

// parseCallback checks the form of a callback (RFC 6749 sections 4.1.2 and
// 3.1, which forbids to repeat a parameter). Errors quote none of it.
func parseCallback(query string) (*callbackParams, error) {
	if len(query) > maxCallbackQuery {
		return nil, errors.New("the query is too long")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("the query cannot be parsed")
	}
	p := new(callbackParams)
	for name, into := range map[string]*string{
		"state": &p.state, "code": &p.code, "iss": &p.issuer,
		"error": &p.failure, "error_description": &p.description,
	} {
		switch given := values[name]; {
		case len(given) > 1:
			return nil, errors.New(name + " is there more than once")
		case len(given) == 1 && len(given[0]) > maxCallbackParam:
			return nil, errors.New(name + " is too long")
		case len(given) == 1:
			*into = given[0]
		}
	}
	switch {
	case p.state == "":
		return nil, errors.New("state is missing")
	case p.code != "" && p.failure != "":
		return nil, errors.New("it has both code and error")
	case p.code == "" && p.failure == "":
		return nil, errors.New("it has neither code nor error")
	}
	return p, nil
}

func anyCreator(r *oauthv1.Resources) bool {
	return slices.ContainsFunc(r.ResourceInfos, func(i oauthv1.ResourceInfo) bool {
		return len(i.Resources.Universe.IDs) > 0 || len(i.Resources.Creator.IDs) > 0
	})
}
