package emulator

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	codeTTL    = time.Minute
	consentTTL = 10 * time.Minute
)

var s256Challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize starts a sign-in: it shows the consent page, or consents by itself.
// Until client and redirect URI are known to be good, nothing is redirected.
func (e *Emulator) authorize(w http.ResponseWriter, r *http.Request, _ vars) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		e.errorPage(w, "The address is not well formed.")
		return
	}
	if problem := e.untrusted(q); problem != "" {
		e.errorPage(w, problem)
		return
	}
	a := &authorization{
		redirectURI: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"),
		scope: strings.Join(strings.Fields(q.Get("scope")), " "), challenge: q.Get("code_challenge"),
		expires: e.Now().Add(consentTTL),
	}
	if problem := e.checkAuthorize(q); problem != nil {
		e.redirectBack(w, a, url.Values{"error": {problem.Code}, "error_description": {problem.Description}})
		return
	}
	prompts := strings.Fields(q.Get("prompt"))
	switch {
	case e.opts.AutoConsent:
		e.mu.Lock()
		first := e.world.accounts()[0]
		g := &grant{sub: first.ID, scope: a.scope}
		if asksForCreations(a.scope) {
			g.universes, g.creators = e.world.grantable(first.ID)
		}
		code := e.issueCode(a, g)
		e.mu.Unlock()
		e.redirectBack(w, a, url.Values{"code": {code}})
	case slices.Contains(prompts, "none"):
		e.redirectBack(w, a, url.Values{"error": {"interaction_required"}, "error_description": {"nobody has consented yet"}})
	default:
		form := rand.Text()
		e.mu.Lock()
		e.oauth.sweep(e.Now())
		e.oauth.pending[form] = a
		e.mu.Unlock()
		e.consentPage(w, a, form)
	}
}

// untrusted says why an authorization request may not be answered with a redirect.
func (e *Emulator) untrusted(q url.Values) string {
	switch {
	case len(q["client_id"]) != 1 || q.Get("client_id") != e.opts.ClientID:
		return "No app is registered under this client_id."
	case len(q["redirect_uri"]) != 1 || !slices.Contains(e.opts.RedirectURLs, q.Get("redirect_uri")):
		return "This redirect_uri is not registered for the app. It must match a registered one character by character."
	}
	return ""
}

// checkAuthorize says what is wrong with a request whose sender is known.
func (e *Emulator) checkAuthorize(q url.Values) *oauthError {
	if err := single(q); err != nil {
		return err
	}
	for _, name := range []string{"state", "nonce"} {
		if len(q.Get(name)) > 2048 {
			return refuse("invalid_request", "%s is longer than 2048 characters", name)
		}
	}
	if kind := q.Get("response_type"); kind == "" {
		return refuse("invalid_request", "response_type is missing")
	} else if kind != "code" {
		return refuse("unsupported_response_type", "response_type must be code")
	}
	if strings.TrimSpace(q.Get("scope")) == "" {
		return refuse("invalid_scope", "scope is missing")
	}
	for scope := range strings.FieldsSeq(q.Get("scope")) {
		if _, ok := scopeText(scope); !ok {
			return refuse("invalid_scope", "unknown scope %.80q", scope)
		}
	}
	prompts := strings.Fields(q.Get("prompt"))
	for _, p := range prompts {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, p) || p == "none" && len(prompts) > 1 {
			return refuse("invalid_request", "prompt must be none alone, or login, consent and select_account separated by spaces")
		}
	}
	switch challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method"); {
	case challenge == "" && method == "":
		if e.opts.ClientSecret == "" {
			return refuse("invalid_request", "a public client must send a code_challenge")
		}
	case method != "S256":
		return refuse("invalid_request", "code_challenge_method must be S256")
	case !s256Challenge.MatchString(challenge):
		return refuse("invalid_request", "code_challenge is not a base64url SHA-256")
	}
	return nil
}

// issueCode ends an authorization with a code. The caller holds e.mu.
func (e *Emulator) issueCode(a *authorization, g *grant) string {
	code := rand.Text() + rand.Text()
	a.grant, a.expires = g, e.Now().Add(codeTTL)
	e.oauth.codes[hashOf(code)] = a
	return code
}

// redirectBack sends the browser to the app with an answer.
func (e *Emulator) redirectBack(w http.ResponseWriter, a *authorization, answer url.Values) {
	if a.state != "" {
		answer.Set("state", a.state)
	}
	if e.opts.SendIssuer {
		answer.Set("iss", e.opts.Issuer)
	}
	to, err := url.Parse(a.redirectURI)
	if err != nil {
		e.errorPage(w, "The redirect_uri is not a URL.")
		return
	}
	q := to.Query()
	maps.Copy(q, answer)
	to.RawQuery = q.Encode()
	w.Header().Set("Location", to.String())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusFound)
}
