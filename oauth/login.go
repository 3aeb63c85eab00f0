package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// LoginOptions shape a sign-in. The zero value is fine.
type LoginOptions struct {
	// ReturnTo is the path on this site to go to afterwards, with query and
	// fragment; "" and anything that is no such path mean "/".
	ReturnTo string
	// Prompt asks the provider for certain pages: "none", or any of "login",
	// "consent" and "select_account", separated by spaces.
	Prompt string
	// RequireResources refuses, with ErrNoCreators, a sign-in in which the user
	// chose no universe, account or group to act for.
	RequireResources bool
}

// LoginHandler answers GET by sending the browser to the provider. A query
// parameter return_to that is a path on this site goes before opts.ReturnTo.
func (a *App) LoginHandler(opts LoginOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "Only GET starts a sign-in.", http.StatusMethodNotAllowed)
			return
		}
		opts := opts
		if asked := returnPath(r.URL.Query().Get("return_to")); asked != "/" {
			opts.ReturnTo = asked
		}
		if err := a.StartLogin(w, r, opts); err != nil {
			a.refuse(w, r, err)
		}
	})
}

// StartLogin begins a sign-in, binds it to the browser by a cookie and
// redirects to the provider with state, nonce and PKCE. An error means that
// nothing was written; it is a *CallbackError that wraps ErrStoreUnavailable
// if the flow store failed. With Config.FlowsInCookies it can also be that
// opts.ReturnTo makes the cookie longer than browsers take.
func (a *App) StartLogin(w http.ResponseWriter, r *http.Request, opts LoginOptions) error {
	state, secrets := randomText(), a.newFlowSecrets(opts)
	cookie, err := a.startFlow(r.Context(), state, secrets)
	if err != nil {
		return err
	}
	a.setFlowCookie(w, r, state, cookie)
	noTrace(w)
	http.Redirect(w, r, a.authorizeURL(state, secrets, opts.Prompt), http.StatusSeeOther)
	return nil
}

func (a *App) authorizeURL(state string, secrets flowSecrets, prompt string) string {
	c := oauth2.Config{
		ClientID:    a.config.ClientID,
		RedirectURL: a.config.RedirectURL,
		Scopes:      a.config.Scopes,
		Endpoint:    oauth2.Endpoint{AuthURL: a.provider.AuthorizationURL},
	}
	params := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(secrets.Verifier),
		oauth2.SetAuthURLParam("nonce", secrets.Nonce),
	}
	if prompt != "" {
		params = append(params, oauth2.SetAuthURLParam("prompt", prompt))
	}
	return c.AuthCodeURL(state, params...)
}

// noTrace keeps state and code out of caches and Referer headers.
func noTrace(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// setFlowCookie binds a flow to this browser. Each flow has a cookie of its
// own, so that tabs do not disturb one another.
func (a *App) setFlowCookie(w http.ResponseWriter, r *http.Request, state, value string) {
	flows := slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return !strings.HasPrefix(c.Name, a.cookiePrefix()) })
	c := a.cookie(a.cookieName(state), value)
	a.makeRoom(w, flows, len(c.Name)+len(c.Value)) // oldest first (RFC 6265 section 5.4)
	c.MaxAge = int(flowLifetime.Seconds())
	http.SetCookie(w, c)
}

// flowCookie returns what setFlowCookie gave this browser, or "".
func (a *App) flowCookie(r *http.Request, state string) string {
	c, err := r.Cookie(a.cookieName(state))
	if errors.Is(err, http.ErrNoCookie) {
		return ""
	}
	return c.Value
}

func (a *App) clearCookie(w http.ResponseWriter, name string) {
	c := a.cookie(name, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func (a *App) cookie(name, value string) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/",
		HttpOnly: true, Secure: a.overTLS(), SameSite: http.SameSiteLaxMode,
	}
}

func (a *App) cookieName(state string) string {
	return a.cookiePrefix() + hashText(state)[:16]
}

// cookiePrefix is one that sibling domains cannot set, except on a loopback
// address without TLS, where browsers would not keep such a cookie.
func (a *App) cookiePrefix() string {
	if a.overTLS() {
		return "__Host-rblx-login-"
	}
	return "rblx-login-"
}

func (a *App) overTLS() bool {
	u, err := url.Parse(a.config.RedirectURL)
	return err == nil && u.Scheme == "https"
}
