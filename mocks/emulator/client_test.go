package emulator_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
)

const (
	secret   = "s3cret+/="
	callback = "http://localhost:3000/callback"
	base     = "http://roblox.test"
	allScope = "openid profile universe-messaging-service:publish group:read"
)

// app is a client of one emulator, in process. It is no part of the module
// under test: it does by hand what the RFCs say.
type app struct {
	t testing.TB
	*emulator.Emulator
	http *http.Client
}

func start(t testing.TB, set ...func(*emulator.Options)) *app {
	t.Helper()
	opts := emulator.Options{URL: base, ClientSecret: secret, AutoConsent: true}
	for _, s := range set {
		s(&opts)
	}
	e, err := emulator.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return &app{t: t, Emulator: e, http: &http.Client{
		Transport:     e.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that has been read.
type answer struct {
	*http.Response
	text string
	body map[string]any
}

func (a *app) send(req *http.Request) answer {
	a.t.Helper()
	res, err := a.http.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	got := answer{Response: res, text: string(text)}
	_ = json.Unmarshal(text, &got.body) // pages and lists have no members
	return got
}

func (a *app) request(method, path, body string, header ...string) *http.Request {
	a.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// post sends a form with the client's credentials in it.
func (a *app) post(path string, values url.Values) answer {
	a.t.Helper()
	v := form("client_id", emulator.DefaultClientID, "client_secret", secret)
	maps.Copy(v, values)
	if a.Options().ClientSecret == "" {
		v.Del("client_secret")
	}
	return a.send(a.request(http.MethodPost, path, v.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
}

func (a *app) refresh(token any) answer {
	a.t.Helper()
	return a.post("/oauth/v1/token", form("grant_type", "refresh_token", "refresh_token", token.(string)))
}

func authorizeQuery(pairs ...string) url.Values {
	q := form("client_id", emulator.DefaultClientID, "redirect_uri", callback, "response_type", "code", "scope", allScope, "state", "st")
	maps.Copy(q, form(pairs...))
	return q
}

// authorize returns the URL that a consented authorization redirects to.
func (a *app) authorize(q url.Values) *url.URL {
	a.t.Helper()
	res := a.send(a.request(http.MethodGet, "/oauth/v1/authorize?"+q.Encode(), ""))
	to, err := res.Location()
	if err != nil {
		a.t.Fatalf("authorize answered %d without a redirect: %s", res.StatusCode, res.text)
	}
	return to
}

func pkce() (verifier, challenge string) {
	verifier = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	return verifier, base64.RawURLEncoding.EncodeToString(sum[:])
}

// signIn makes a whole authorization by itself and returns the token answer.
func (a *app) signIn(pairs ...string) answer {
	a.t.Helper()
	verifier, challenge := pkce()
	to := a.authorize(authorizeQuery(append([]string{"code_challenge", challenge, "code_challenge_method", "S256", "nonce", "no"}, pairs...)...))
	got := a.post("/oauth/v1/token", form("grant_type", "authorization_code", "code", to.Query().Get("code"),
		"redirect_uri", callback, "code_verifier", verifier))
	if got.StatusCode != http.StatusOK {
		a.t.Fatalf("code exchange: %d %s", got.StatusCode, got.text)
	}
	return got
}

// consentPage opens the consent page in a browser of its own.
func (a *app) consentPage(q url.Values) *browser.Browser {
	a.t.Helper()
	b := browser.New(browser.Options{Base: a.Transport(), StopAt: func(u *url.URL) bool { return u.Host == "localhost:3000" }})
	page, err := b.Open(context.Background(), base+"/oauth/v1/authorize?"+q.Encode())
	if err != nil {
		a.t.Fatal(err)
	}
	if page.Status != http.StatusOK {
		a.t.Fatalf("consent page: %d %s", page.Status, page.Body)
	}
	return b
}

func want(t testing.TB, got answer, status int, code string) {
	t.Helper()
	if got.StatusCode != status || code != "" && got.body["error"] != code {
		t.Fatalf("got %d %s, want %d %q", got.StatusCode, got.text, status, code)
	}
}
