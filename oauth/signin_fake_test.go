package oauth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rblx-go/opencloud/oauth"
)

// web is an internet without ports: requests go to handlers by host.
type web map[string]http.Handler

func (w web) RoundTrip(r *http.Request) (*http.Response, error) {
	h := w[r.URL.Host]
	if h == nil {
		return nil, errors.New("no such host: " + r.URL.Host)
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:1234", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, in)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// idp is an authorization server that signs in user 156 without asking.
type idp struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	kid    string
	claims func(map[string]any)                       // changes the ID token's; as the next two, set before use
	token  func(w http.ResponseWriter, honest string) // answers instead of the honest answer
	back   func(url.Values)                           // changes what the callback gets
	shares string                                     // resource_infos

	mu      sync.Mutex
	codes   map[string]url.Values // code to authorize parameters, until redeemed
	posts   int                   // token requests
	revoked []string
	secrets []string // everything handed out or received that must not show up
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &idp{t: t, key: key, kid: "k1", codes: map[string]url.Values{}, shares: `[{"owner":{"id":"156","type":"User"},"resources":{"universe":{"ids":["13058"]}}}]`}
}

const (
	idpIssuer  = "https://provider.test/oauth/"
	clientID   = "816547628409595165403873012"
	secretWord = "canary-client-secret"
)

func (p *idp) provider() *oauth.Provider {
	return &oauth.Provider{
		Issuer:           idpIssuer,
		AuthorizationURL: idpIssuer + "v1/authorize",
		TokenURL:         idpIssuer + "v1/token",
		JWKSURL:          idpIssuer + "v1/certs",
		RevocationURL:    idpIssuer + "v1/token/revoke",
		ResourcesURL:     idpIssuer + "v1/token/resources",
	}
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/oauth/v1/authorize":
		p.authorize(w, r)
	case "/oauth/v1/token":
		p.posts++
		p.redeem(w, r)
	case "/oauth/v1/certs":
		_, _ = w.Write(keySet(p.kid, p.key))
	case "/oauth/v1/token/revoke":
		p.revoked = append(p.revoked, r.PostFormValue("token"))
	case "/oauth/v1/token/resources":
		_, _ = io.WriteString(w, `{"resource_infos":`+p.shares+`}`)
	default:
		http.NotFound(w, r)
	}
}

func (p *idp) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := "canary-code-" + rand.Text()
	p.codes[code] = q
	p.secrets = append(p.secrets, code, q.Get("state"), q.Get("nonce"))
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	if p.back != nil {
		p.back(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *idp) redeem(w http.ResponseWriter, r *http.Request) {
	asked := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	verifier := r.PostFormValue("code_verifier")
	p.secrets = append(p.secrets, verifier)
	challenge := sha256.Sum256([]byte(verifier))
	switch {
	case asked == nil || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) ||
		r.PostFormValue("redirect_uri") != asked.Get("redirect_uri"):
		fail(w, http.StatusBadRequest, "invalid_grant", "The code is invalid.")
		return
	case r.PostFormValue("client_id") != clientID || r.PostFormValue("client_secret") != secretWord:
		fail(w, http.StatusUnauthorized, "invalid_client", "")
		return
	}
	access, refresh := "canary-at-"+rand.Text(), "canary-rt-"+rand.Text()
	p.secrets = append(p.secrets, access, refresh)
	c := idClaims(time.Now(), asked.Get("nonce"), access)
	if p.claims != nil {
		p.claims(c)
	}
	id := sign(p.t, jose.ES256, p.key, p.kid, c)
	p.secrets = append(p.secrets, id)
	honest, err := json.Marshal(map[string]any{
		"access_token": access, "refresh_token": refresh, "id_token": id,
		"token_type": "Bearer", "expires_in": 899, "scope": asked.Get("scope"),
	})
	if err != nil {
		p.t.Error(err)
	}
	if p.token != nil {
		p.token(w, string(honest))
		return
	}
	_, _ = w.Write(honest)
}

func fail(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}

// idClaims are those of a Roblox ID token.
func idClaims(now time.Time, nonce, access string) map[string]any {
	half := sha256.Sum256([]byte(access))
	return map[string]any{
		"iss": idpIssuer, "aud": clientID, "sub": "156",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Hour).Unix(),
		"nonce": nonce, "at_hash": base64.RawURLEncoding.EncodeToString(half[:16]), "jti": "ID." + rand.Text(),
		"name": "Builder", "nickname": "Builder", "preferred_username": "builderman",
		"profile": "https://www.roblox.com/users/156/profile", "picture": nil, "created_at": 1141169680,
	}
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims any) string {
	t.Helper()
	opts := new(jose.SignerOptions).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return serialize(t, signer, payload)
}

func serialize(t *testing.T, signer jose.Signer, payload []byte) string {
	t.Helper()
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func keySet(kid string, key *ecdsa.PrivateKey) []byte {
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		panic(err)
	}
	return body
}

// site is a web site that signs users in at an idp.
type site struct {
	*oauth.App

	web   web
	store *oauth.MemoryStore
	log   *bytes.Buffer
	bind  error // what the application's own part of the callback returns

	mu     sync.Mutex
	logins []*oauth.Login
	errs   []*oauth.CallbackError
	events []oauth.TokenEvent
}

const siteURL = "https://app.test"

func newSite(t *testing.T, p *idp, opts oauth.LoginOptions, change ...func(*oauth.Config)) *site {
	t.Helper()
	s := &site{web: web{}, store: oauth.NewMemoryStore(), log: new(bytes.Buffer)}
	config := oauth.Config{
		ClientID: clientID, ClientSecret: secretWord, RedirectURL: siteURL + "/callback",
		Scopes: []string{"openid", "profile"}, Store: s.store, Provider: p.provider(),
		HTTPClient:    &http.Client{Transport: s.web},
		Logger:        slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnError:       s.failed,
		OnTokenChange: s.changed,
	}
	for _, c := range change {
		c(&config)
	}
	app, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.App = app
	mux := http.NewServeMux()
	mux.Handle("/login", app.LoginHandler(opts))
	mux.Handle("/callback", app.CallbackHandler(s.signedIn))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "at "+r.URL.RequestURI()) })
	s.web["app.test"], s.web["localhost:3000"], s.web["provider.test"] = mux, mux, p
	return s
}

func (s *site) signedIn(w http.ResponseWriter, _ *http.Request, l *oauth.Login) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bind != nil {
		return s.bind
	}
	s.logins = append(s.logins, l)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/", Secure: true})
	return nil
}

func (s *site) failed(w http.ResponseWriter, _ *http.Request, e *oauth.CallbackError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, e)
	http.Error(w, e.Title()+"\n"+e.Message(), e.Status)
}

func (s *site) changed(_ context.Context, e oauth.TokenEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// login returns the only login there was.
func (s *site) login(t *testing.T) *oauth.Login {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.logins) != 1 || len(s.errs) != 0 {
		t.Fatalf("%d logins and errors %v, want one login", len(s.logins), s.errs)
	}
	return s.logins[0]
}

// wantError asserts that one sign-in failed and none succeeded.
func (s *site) wantError(t *testing.T, kind error, status int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.logins) != 0 || len(s.errs) != 1 {
		t.Fatalf("%d logins and errors %v, want one error", len(s.logins), s.errs)
	}
	if e := s.errs[0]; !errors.Is(e, kind) || e.Status != status {
		t.Fatalf("error %q with status %d, want %q with %d", e, e.Status, kind, status)
	}
}

// browser returns a new browser that follows redirects up to stop, a path.
func (s *site) browser(t *testing.T, stop string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: s.web, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == stop {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// page is what a browser got to see.
type page struct {
	at     *url.URL
	status int
	header http.Header
	body   string
}

func (p page) cookies() []*http.Cookie { return (&http.Response{Header: p.header}).Cookies() }

// location is where a redirect that was not followed leads.
func (p page) location(t *testing.T) *url.URL {
	t.Helper()
	u, err := p.at.Parse(p.header.Get("Location"))
	if err != nil || p.header.Get("Location") == "" {
		t.Fatalf("status %d and Location %q, want a redirect", p.status, p.header.Get("Location"))
	}
	return u
}

func get(t *testing.T, c *http.Client, at string) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{resp.Request.URL, resp.StatusCode, resp.Header, string(body)}
}

// callbackURL signs in as far as the redirect back to the site.
func callbackURL(t *testing.T, c *http.Client) *url.URL {
	t.Helper()
	u := get(t, c, siteURL+"/login").location(t)
	if u.Path != "/callback" {
		t.Fatalf("sent to %s, want the callback", u.Path)
	}
	return u
}

func (p *idp) wantCounts(t *testing.T, posts, revoked int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.posts != posts || len(p.revoked) != revoked {
		t.Errorf("%d token requests and %d revocations, want %d and %d", p.posts, len(p.revoked), posts, revoked)
	}
}
