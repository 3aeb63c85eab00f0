package oauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeProvider is a strict token endpoint as an http.RoundTripper: a refresh
// token works once. It runs in a synctest bubble, where time.Sleep costs nothing.
type fakeProvider struct {
	mu       sync.Mutex
	current  string   // the refresh token that works
	posts    []string // refresh tokens presented, in order
	revoked  []string
	life     int           // expires_in
	latency  time.Duration // half before, half after the rotation
	script   []behaviour   // one per token request, then honest
	familyOK bool
}

// behaviour is what becomes of one token request.
type behaviour struct {
	dropRequest bool // it never arrives
	answer      func(honest string) *http.Response
	err         error // after it took effect: the answer is lost
	hold        chan struct{}
}

var errCut = errors.New("connection reset by peer")

func newFakeProvider() *fakeProvider {
	return &fakeProvider{current: "rt-1", life: 900, latency: 40 * time.Millisecond, familyOK: true}
}

func (p *fakeProvider) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(p.latency / 2)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/revoke") {
		p.mu.Lock()
		p.revoked = append(p.revoked, form.Get("token"))
		p.mu.Unlock()
		return reply(200, "text/plain", ""), nil
	}
	b, honest := p.redeem(form.Get("refresh_token"))
	if b.hold != nil {
		<-b.hold
	}
	time.Sleep(p.latency / 2)
	switch {
	case b.dropRequest, b.err != nil:
		return nil, errors.Join(b.err, errCut)
	case b.answer != nil:
		return b.answer(honest), nil
	case honest == "":
		return reply(400, "application/json", `{"error":"invalid_grant"}`), nil
	}
	return reply(200, "application/json", honest), nil
}

func (p *fakeProvider) redeem(token string) (behaviour, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posts = append(p.posts, token)
	var b behaviour
	if len(p.script) > 0 {
		b, p.script = p.script[0], p.script[1:]
	}
	if b.dropRequest || token != p.current || !p.familyOK {
		return b, ""
	}
	n := len(p.posts) + 1
	p.current = fmt.Sprintf("rt-%d", n)
	return b, fmt.Sprintf(`{"access_token":"at-%d","refresh_token":%q,"token_type":"Bearer","expires_in":%d,"scope":"openid"}`,
		n, p.current, p.life)
}

func (p *fakeProvider) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.posts...)
}

func (p *fakeProvider) revocations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.revoked...)
}

func reply(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {contentType}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

// signedIn returns an App over store and a grant whose access token lives life.
func signedIn(t *testing.T, p *fakeProvider, store Store, life time.Duration) (*App, GrantID) {
	t.Helper()
	a := newTestApp(t, p, store)
	id, err := a.createGrant(t.Context(), &answer{Issued: time.Now().Round(0), AccessToken: "at-1", RefreshToken: "rt-1", Scope: "openid", Lifetime: life})
	if err != nil {
		t.Fatal(err)
	}
	return a, id
}

func newTestApp(t *testing.T, p http.RoundTripper, store Store) *App {
	t.Helper()
	a, err := New(Config{
		ClientID: "client", ClientSecret: "canary-client-secret", RedirectURL: "http://localhost:3000/callback",
		Scopes: []string{"openid"}, Store: store, HTTPClient: &http.Client{Transport: p},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rowOf(t *testing.T, a *App, id GrantID) (Row, tokens) {
	t.Helper()
	row, err := a.load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	held, err := a.openTokens(row)
	if err != nil {
		t.Fatal(err)
	}
	return row, held
}
