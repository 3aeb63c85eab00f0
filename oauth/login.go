package oauth

import (
	"errors"
	"net/http"
	"net/url"
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

// StartLogin stores a new sign-in, binds it to the browser by a cookie and
// redirects to the provider with state, nonce and PKCE. An error means that
// nothing was written; it is a *CallbackError that wraps ErrStoreUnavailable
// if the flow store failed.
func (a *App) StartLogin(w http.ResponseWriter, r *http.Request, opts LoginOptions) error {
	state, binding := randomText(), randomText()
	secrets := a.newFlowSecrets(opts)
	if err := a.putFlow(r.Context(), state, binding, secrets); err != nil {
		return failed(ErrSignInFailed, err)
	}
	a.setFlowCookie(w, r, state, binding)
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

// maxFlowCookies bounds the sign-ins under way in one browser, tabs say.
const maxFlowCookies = 8

// setFlowCookie binds a flow to this browser. Each flow has a cookie of its
// own, so that tabs do not disturb one another.
func (a *App) setFlowCookie(w http.ResponseWriter, r *http.Request, state, binding string) {
	var old []string
	for _, c := range r.Cookies() { // oldest first (RFC 6265 section 5.4)
		if strings.HasPrefix(c.Name, a.cookiePrefix()) {
			old = append(old, c.Name)
		}
	}
	for len(old) >= maxFlowCookies {
		a.clearCookie(w, old[0])
		old = old[1:]
	}
	c := a.cookie(a.cookieName(state), binding)
	c.MaxAge = int(flowLifetime.Seconds())
	http.SetCookie(w, c)
}

// binding returns what setFlowCookie gave this browser, or "".
func (a *App) binding(r *http.Request, state string) string {
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
