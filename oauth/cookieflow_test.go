package oauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// countedFlows counts what is written to a flow store, and fails if told to.
type countedFlows struct {
	oauth.FlowStore

	puts atomic.Int32
	err  error
}

func (f *countedFlows) PutFlow(ctx context.Context, flow oauth.Flow) error {
	f.puts.Add(1)
	if f.err != nil {
		return f.err
	}
	return f.FlowStore.PutFlow(ctx, flow)
}

func (f *countedFlows) TakeFlow(ctx context.Context, id, binding string) (oauth.Flow, error) {
	if f.err != nil {
		return oauth.Flow{}, f.err
	}
	return f.FlowStore.TakeFlow(ctx, id, binding)
}

// cookieSites are replicas of a site that keep sign-ins in cookies.
type cookieSites struct {
	idp    *idp
	keyset string
	flows  *countedFlows
	store  *oauth.MemoryStore
}

func newCookieSites(t *testing.T) *cookieSites {
	t.Helper()
	store := oauth.NewMemoryStore()
	s := &cookieSites{newIDP(t), filepath.Join(t.TempDir(), "keyset.json"), &countedFlows{FlowStore: store}, store}
	if _, err := tinkseal.Create(s.keyset); err != nil {
		t.Fatal(err)
	}
	return s
}

// replica is one more process.
func (s *cookieSites) replica(t *testing.T, change ...func(*oauth.Config)) *site {
	t.Helper()
	sealer, err := tinkseal.Open(s.keyset)
	if err != nil {
		t.Fatal(err)
	}
	return newSite(t, s.idp, oauth.LoginOptions{ReturnTo: "/me"}, append([]func(*oauth.Config){func(c *oauth.Config) {
		c.Store, c.Flows, c.Sealer, c.FlowsInCookies = s.store, s.flows, sealer, true
	}}, change...)...)
}

// cookies are those that c has for the site.
func cookies(t *testing.T, c *http.Client) []*http.Cookie {
	t.Helper()
	at, err := url.Parse(siteURL)
	if err != nil {
		t.Fatal(err)
	}
	return c.Jar.Cookies(at)
}

// with is a new browser that has been given cookies.
func (s *site) with(t *testing.T, given ...*http.Cookie) *http.Client {
	t.Helper()
	c := s.browser(t, "")
	at, err := url.Parse(siteURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range given {
		cookie.Path, cookie.Secure = "/", true
	}
	c.Jar.(*cookiejar.Jar).SetCookies(at, given)
	return c
}

func TestFlowsInCookies(t *testing.T) {
	t.Parallel()
	s := newCookieSites(t)
	here, there := s.replica(t), s.replica(t)
	c := here.browser(t, "/callback")
	back := callbackURL(t, c)
	flow := cookies(t, c)
	if s.flows.puts.Load() != 0 {
		t.Error("starting a sign-in has written to the store")
	}
	if len(flow) != 1 || !strings.HasPrefix(flow[0].Name, "__Host-rblx-login-") || len(flow[0].Value) > 600 {
		t.Fatalf("cookies %v, want one of a few hundred bytes", flow)
	}
	plain, err := base64.RawURLEncoding.DecodeString(flow[0].Value)
	if err != nil || strings.Contains(string(plain), "nonce") || strings.Contains(string(plain), "/me") {
		t.Error("the cookie can be read", err)
	}

	// The callback lands on another replica, which signs the user in.
	if got := get(t, there.with(t, flow...), back.String()).body; got != "at /me" {
		t.Errorf("ended %q, want at /me", got)
	}
	there.login(t)
	s.idp.wantCounts(t, 1, 0)

	// The same browser loads the page again, now without the cookie; somebody
	// who has copied the cookie replays it.
	get(t, here.with(t), back.String())
	here.wantError(t, oauth.ErrStateUsed, http.StatusConflict)
	again := s.replica(t)
	get(t, again.with(t, flow...), back.String())
	again.wantError(t, oauth.ErrStateUsed, http.StatusConflict)
	s.idp.wantCounts(t, 1, 0)
}

func TestCookieFlowIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := newCookieSites(t)
	replicas := []*site{s.replica(t), s.replica(t)}
	c := replicas[0].browser(t, "/callback")
	back := callbackURL(t, c)
	flow := cookies(t, c)
	var all sync.WaitGroup
	for i := range 20 {
		browser := replicas[i%2].with(t, flow...)
		all.Go(func() { get(t, browser, back.String()) })
	}
	all.Wait()
	logins := len(replicas[0].logins) + len(replicas[1].logins)
	errs := slices.Concat(replicas[0].errs, replicas[1].errs)
	for _, err := range errs {
		if !errors.Is(err, oauth.ErrStateUsed) {
			t.Error(err)
		}
	}
	if logins != 1 || len(errs) != 19 {
		t.Errorf("%d logins and %d errors", logins, len(errs))
	}
	s.idp.wantCounts(t, 1, 0)
}

func TestBadCookieFlows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, s *cookieSites, here *site, flow *http.Cookie)
		want   error
		status int
	}{
		"other browser": {func(_ *testing.T, _ *cookieSites, _ *site, flow *http.Cookie) { flow.Name = "other" }, oauth.ErrOtherBrowser, 403},
		"tampered": {func(_ *testing.T, _ *cookieSites, _ *site, flow *http.Cookie) {
			flow.Value = flow.Value[:40] + "AAAA" + flow.Value[44:]
		}, oauth.ErrStateUnknown, 400},
		"no base64": {func(_ *testing.T, _ *cookieSites, _ *site, flow *http.Cookie) { flow.Value = "!" + flow.Value }, oauth.ErrStateUnknown, 400},
		"truncated": {func(_ *testing.T, _ *cookieSites, _ *site, flow *http.Cookie) { flow.Value = flow.Value[:3] }, oauth.ErrStateUnknown, 400},
		"plain": {func(_ *testing.T, _ *cookieSites, _ *site, flow *http.Cookie) {
			flow.Value = base64.RawURLEncoding.EncodeToString([]byte(`0{"nonce":"n","verifier":"v","expires":"2999-01-01T00:00:00Z"}`))
		}, oauth.ErrStateUnknown, 400},
		"another sign-in's": {func(t *testing.T, _ *cookieSites, here *site, flow *http.Cookie) {
			c := here.browser(t, "/callback")
			callbackURL(t, c)
			flow.Value = cookies(t, c)[0].Value
		}, oauth.ErrStateUnknown, 400},
		"of a store's flow": {func(_ *testing.T, _ *cookieSites, _ *site, flow *http.Cookie) {
			flow.Value = strings.Repeat("x", 43)
		}, oauth.ErrStateUnknown, 400},
		"key removed": {func(t *testing.T, s *cookieSites, _ *site, _ *http.Cookie) {
			s.rotate(t)
			if _, err := tinkseal.Prune(s.keyset); err != nil {
				t.Fatal(err)
			}
		}, oauth.ErrUnknownKey, 502},
		"store down": {func(_ *testing.T, s *cookieSites, _ *site, _ *http.Cookie) { s.flows.err = oauth.ErrNotWritten }, oauth.ErrStoreUnavailable, 503},
		"store down, no cookie": {func(_ *testing.T, s *cookieSites, _ *site, flow *http.Cookie) {
			s.flows.err, flow.Name = oauth.ErrNotWritten, "other"
		}, oauth.ErrStoreUnavailable, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCookieSites(t)
			here := s.replica(t)
			b := here.browser(t, "/callback")
			back := callbackURL(t, b)
			flow := cookies(t, b)[0]
			value := flow.Value
			c.change(t, s, here, flow)
			there := s.replica(t, func(c *oauth.Config) { c.AcceptUnsealed = true }) // of rows, not of cookies
			get(t, there.with(t, flow), back.String())
			there.wantError(t, c.want, c.status)
			s.idp.wantCounts(t, 0, 0)
			if text := there.errs[0].Error() + there.log.String(); strings.Contains(text, value[:20]) {
				t.Error("the cookie shows:", text)
			}
		})
	}
}

// rotate adds a key and makes it primary.
func (s *cookieSites) rotate(t *testing.T) {
	t.Helper()
	for _, change := range []func(string) (tinkseal.Key, error){tinkseal.AddKey, tinkseal.Promote} {
		if _, err := change(s.keyset); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCookieFlowAcrossAKeyRotation(t *testing.T) {
	t.Parallel()
	s := newCookieSites(t)
	here := s.replica(t)
	c := here.browser(t, "/callback")
	back := callbackURL(t, c)
	s.rotate(t)
	there := s.replica(t)
	get(t, there.with(t, cookies(t, c)...), back.String())
	there.login(t)
}

func TestCookieFlowExpires(t *testing.T) {
	t.Parallel()
	for late, want := range map[time.Duration]error{10*time.Minute - time.Second: nil, 10 * time.Minute: oauth.ErrStateExpired} {
		synctest.Test(t, func(t *testing.T) {
			s := newCookieSites(t)
			here := s.replica(t)
			c := here.browser(t, "/callback")
			back := callbackURL(t, c)
			kept := cookies(t, c) // longer than the browser would
			time.Sleep(late)
			get(t, here.with(t, kept...), back.String())
			if want == nil {
				here.login(t)
				return
			}
			here.wantError(t, want, http.StatusBadRequest)
			s.idp.wantCounts(t, 0, 0)
		})
	}
}

func TestCookieFlowsAreBounded(t *testing.T) {
	t.Parallel()
	s := newCookieSites(t)
	here := s.replica(t)
	start := func(c *http.Client, returnTo string) page {
		return get(t, c, siteURL+"/login?"+url.Values{"return_to": {returnTo}}.Encode())
	}
	for name, c := range map[string]struct {
		returnTo string
		kept     int
	}{
		"short": {"/me", 8},
		"long":  {"/me?" + strings.Repeat("a=1&", 500), 1},
	} {
		b := here.browser(t, "/callback")
		for range 20 {
			start(b, c.returnTo).location(t)
		}
		size := 0
		for _, cookie := range cookies(t, b) {
			size += len(cookie.Name) + len(cookie.Value)
		}
		if got := len(cookies(t, b)); got != c.kept || size > 4096 {
			t.Errorf("%s: %d cookies of %d bytes, want %d", name, got, size, c.kept)
		}
	}
	p := start(here.browser(t, "/callback"), "/me?"+strings.Repeat(`"`, 2000))
	here.wantError(t, oauth.ErrSignInFailed, http.StatusBadRequest)
	if p.status != http.StatusBadRequest || len(p.cookies()) != 0 || !strings.Contains(here.errs[0].Error(), "ReturnTo is too long") {
		t.Errorf("a return path of 2,000 quotes: %d %v", p.status, here.errs[0])
	}
}

func FuzzCookieFlow(f *testing.F) {
	keyset := filepath.Join(f.TempDir(), "keyset.json")
	if _, err := tinkseal.Create(keyset); err != nil {
		f.Fatal(err)
	}
	sealer, err := tinkseal.Open(keyset)
	if err != nil {
		f.Fatal(err)
	}
	app, err := oauth.New(oauth.Config{
		ClientID: clientID, RedirectURL: siteURL + "/callback", Scopes: []string{"openid"}, Store: oauth.NewMemoryStore(),
		Sealer: sealer, FlowsInCookies: true, HTTPClient: &http.Client{Transport: web{}},
	})
	if err != nil {
		f.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := app.StartLogin(rec, httptest.NewRequestWithContext(f.Context(), http.MethodGet, "/login", http.NoBody), oauth.LoginOptions{}); err != nil {
		f.Fatal(err)
	}
	flow, to := rec.Result().Cookies()[0], rec.Header().Get("Location")
	at, err := url.Parse(to)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(flow.Value)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "AQ", "0", flow.Value[:20], flow.Value[1:], flow.Value + "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/callback?code=x&state="+at.Query().Get("state"), http.NoBody)
		r.AddCookie(&http.Cookie{Name: flow.Name, Value: value})
		if c, err := r.Cookie(flow.Name); err == nil {
			if b, err := base64.RawURLEncoding.DecodeString(c.Value); err == nil && bytes.Equal(b, sealed) {
				return
			}
		}
		_, err := app.FinishLogin(httptest.NewRecorder(), r)
		if !errors.Is(err, oauth.ErrStateUnknown) && !errors.Is(err, oauth.ErrOtherBrowser) && !errors.Is(err, oauth.ErrUnknownKey) {
			t.Errorf("%q: %v", value, err)
		}
	})
}
