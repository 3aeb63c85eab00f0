package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud/oauth"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{ReturnTo: "/me", RequireResources: true})
	c := s.browser(t, "")
	if got := get(t, c, siteURL+"/login").body; got != "at /me" {
		t.Errorf("ended %q, want at /me", got)
	}
	p.wantCounts(t, 1, 0)
	l := s.login(t)
	if !l.GrantID.Valid() {
		t.Errorf("GrantID %q is not valid", l.GrantID)
	}
	if l.IDToken.Name != "Builder" || l.IDToken.PreferredUsername != "builderman" || l.IDToken.CreatedAt.Unix() != 1141169680 {
		t.Errorf("ID token %+v", l.IDToken)
	}
	want := &oauth.Login{GrantID: l.GrantID, Subject: "156", ReturnTo: "/me", Scopes: []string{"openid", "profile"}, IDToken: l.IDToken}
	if d := cmp.Diff(want, l); d != "" {
		t.Errorf("login (-want +got):\n%s", d)
	}
	row, err := s.store.Load(t.Context(), l.GrantID)
	if err != nil || row.Subject != "156" || row.State != oauth.StateActive || row.Generation != 1 {
		t.Errorf("row of %q in state %q, generation %d (%v)", row.Subject, row.State, row.Generation, err)
	}
	if len(s.events) != 1 || s.events[0].Kind != oauth.EventSignedIn || s.events[0].GrantID != l.GrantID {
		t.Errorf("events %+v, want signed_in", s.events)
	}
	at, err := url.Parse(siteURL)
	if err != nil {
		t.Fatal(err)
	}
	if cookies := c.Jar.Cookies(at); len(cookies) != 1 || cookies[0].Name != "session" {
		t.Errorf("cookies %v, want the session's alone", cookies)
	}
}

// Every callback that the provider did not send for this browser's sign-in
// must end in a clear error before anything is sent to the provider.
func TestBadCallbacks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		change func(q url.Values)
		kind   error
		status int
	}{
		"code and error":      {func(q url.Values) { q.Set("error", "access_denied") }, oauth.ErrBadCallback, 400},
		"no code, no error":   {func(q url.Values) { q.Del("code") }, oauth.ErrBadCallback, 400},
		"empty code":          {func(q url.Values) { q.Set("code", "") }, oauth.ErrBadCallback, 400},
		"code twice":          {func(q url.Values) { q.Add("code", "b") }, oauth.ErrBadCallback, 400},
		"state twice":         {func(q url.Values) { q.Add("state", q.Get("state")) }, oauth.ErrBadCallback, 400},
		"error twice":         {func(q url.Values) { q.Del("code"); q["error"] = []string{"a", "b"} }, oauth.ErrBadCallback, 400},
		"iss twice":           {func(q url.Values) { q["iss"] = []string{idpIssuer, idpIssuer} }, oauth.ErrBadCallback, 400},
		"oversized code":      {func(q url.Values) { q.Set("code", long) }, oauth.ErrBadCallback, 400},
		"oversized state":     {func(q url.Values) { q.Set("state", long) }, oauth.ErrBadCallback, 400},
		"oversized query":     {func(q url.Values) { q.Set("a", long); q.Set("b", long) }, oauth.ErrBadCallback, 400},
		"no state":            {func(q url.Values) { q.Del("state") }, oauth.ErrBadCallback, 400},
		"unknown state":       {func(q url.Values) { q.Set("state", "canary-state") }, oauth.ErrStateUnknown, 400},
		"denied":              {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, oauth.ErrDenied, 403},
		"denied, state wrong": {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied"); q.Set("state", "s") }, oauth.ErrStateUnknown, 400},
		"server error":        {func(q url.Values) { q.Del("code"); q.Set("error", "server_error") }, oauth.ErrSignInFailed, 502},
		"other issuer":        {func(q url.Values) { q.Set("iss", "https://provider.test/oauth") }, oauth.ErrBadCallback, 400},
		"unparsable":          {nil, oauth.ErrBadCallback, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			s := newSite(t, p, oauth.LoginOptions{})
			b := s.browser(t, "/callback")
			at := callbackURL(t, b)
			if c.change == nil {
				at.RawQuery += "&x=%zz"
			} else {
				q := at.Query()
				c.change(q)
				at.RawQuery = q.Encode()
			}
			resp := get(t, &http.Client{Transport: s.web, Jar: b.Jar}, at.String())
			s.wantError(t, c.kind, c.status)
			if resp.status != c.status || !strings.Contains(resp.body, s.errs[0].Message()) {
				t.Errorf("answer %d %q, want %d and the message", resp.status, resp.body, c.status)
			}
			p.wantCounts(t, 0, 0)
		})
	}
}

// A callback that was refused for its form leaves the sign-in usable.
func TestBadCallbackSparesTheSignIn(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	b := s.browser(t, "/callback")
	at := callbackURL(t, b)
	get(t, b, at.String()+"&error=access_denied")
	get(t, s.browser(t, ""), at.String()) // another browser
	p.wantCounts(t, 0, 0)
	get(t, b, at.String())
	p.wantCounts(t, 1, 0)
	if len(s.logins) != 1 || len(s.errs) != 2 || !errors.Is(s.errs[1], oauth.ErrOtherBrowser) {
		t.Errorf("%d logins and errors %v", len(s.logins), s.errs)
	}
}

func TestCallbackMethods(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	at := callbackURL(t, s.browser(t, "/callback"))
	for i, method := range []string{http.MethodHead, http.MethodPost} {
		rec := httptest.NewRecorder()
		s.CallbackHandler(s.signedIn).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, at.String(), http.NoBody))
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != http.MethodGet || len(s.errs) != i+1 {
			t.Errorf("%s: status %d, Allow %q", method, rec.Code, rec.Header().Get("Allow"))
		}
	}
	p.wantCounts(t, 0, 0)
}

func TestOtherBrowser(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	victim, attacker := s.browser(t, "/callback"), s.browser(t, "/callback")
	callbackURL(t, victim) // a sign-in of its own under way, with its own cookie
	get(t, victim, callbackURL(t, attacker).String())
	s.wantError(t, oauth.ErrOtherBrowser, http.StatusForbidden)
	p.wantCounts(t, 0, 0)
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	b := s.browser(t, "/callback")
	first, second := callbackURL(t, b), callbackURL(t, b)
	get(t, b, first.String())
	get(t, b, second.String())
	p.wantCounts(t, 2, 0)
	if len(s.logins) != 2 || s.logins[0].GrantID == s.logins[1].GrantID {
		t.Errorf("%d logins and errors %v, want two grants", len(s.logins), s.errs)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	b := s.browser(t, "/callback")
	at := callbackURL(t, b)
	get(t, b, at.String())
	get(t, b, at.String())
	p.wantCounts(t, 1, 0)
	if len(s.logins) != 1 || len(s.errs) != 1 || !errors.Is(s.errs[0], oauth.ErrStateUsed) || s.errs[0].Status != http.StatusConflict {
		t.Errorf("%d logins and errors %v, want one each", len(s.logins), s.errs)
	}
}

func TestConcurrentCallbacks(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	b := s.browser(t, "/callback")
	at := callbackURL(t, b)
	jar := b.Jar.Cookies(at)
	const n = 20
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, at.String(), http.NoBody)
			for _, c := range jar {
				r.AddCookie(c)
			}
			s.CallbackHandler(s.signedIn).ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	group.Wait()
	p.wantCounts(t, 1, 0)
	used := 0
	for _, e := range s.errs {
		if errors.Is(e, oauth.ErrStateUsed) {
			used++
		}
	}
	if len(s.logins) != 1 || used != n-1 {
		t.Errorf("%d logins and %d refused as used, want 1 and %d", len(s.logins), used, n-1)
	}
}

func TestSlowSignIn(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]error{10*time.Minute - time.Second: nil, 10 * time.Minute: oauth.ErrStateExpired} {
		synctest.Test(t, func(t *testing.T) {
			p := newIDP(t)
			s := newSite(t, p, oauth.LoginOptions{})
			b := s.browser(t, "/callback")
			at := callbackURL(t, b)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, at.String(), http.NoBody)
			for _, c := range b.Jar.Cookies(at) { // kept past their time
				r.AddCookie(c)
			}
			time.Sleep(wait)
			s.CallbackHandler(s.signedIn).ServeHTTP(httptest.NewRecorder(), r)
			if want == nil {
				s.login(t)
				p.wantCounts(t, 1, 0)
				return
			}
			s.wantError(t, want, http.StatusBadRequest)
			p.wantCounts(t, 0, 0)
		})
	}
}

func TestExchangeFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token  func(http.ResponseWriter, string)
		kind   error
		status int
	}{
		"code expired": {func(w http.ResponseWriter, _ string) {
			fail(w, http.StatusBadRequest, "invalid_grant", "The authorization code is invalid.")
		}, oauth.ErrCodeExpired, 400},
		"other device": {func(w http.ResponseWriter, _ string) {
			fail(w, http.StatusUnauthorized, "invalid_grant", "Authorization code may not be used from this device")
		}, oauth.ErrOtherDevice, 403},
		"wrong secret": {func(w http.ResponseWriter, _ string) {
			fail(w, http.StatusUnauthorized, "invalid_client", "")
		}, oauth.ErrSignInFailed, 502},
		"gateway": {func(w http.ResponseWriter, _ string) {
			http.Error(w, "<h1>502 Bad Gateway</h1>", http.StatusBadGateway)
		}, oauth.ErrSignInFailed, 502},
		"HTML with 200": {func(w http.ResponseWriter, _ string) {
			_, _ = w.Write([]byte("<html>"))
		}, oauth.ErrSignInFailed, 502},
		"redirect": {func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", "https://provider.test/oauth/v1/token")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, oauth.ErrSignInFailed, 502},
		"no refresh token": {func(w http.ResponseWriter, honest string) {
			_, _ = w.Write([]byte(strings.Replace(honest, `"refresh_token"`, `"x"`, 1)))
		}, oauth.ErrSignInFailed, 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.token = c.token
			s := newSite(t, p, oauth.LoginOptions{})
			get(t, s.browser(t, ""), siteURL+"/login")
			s.wantError(t, c.kind, c.status)
			if _, ok := errors.AsType[*oauth.ProviderError](s.errs[0]); !ok {
				t.Errorf("error %v wraps no *ProviderError", s.errs[0])
			}
			p.wantCounts(t, 1, 0)
		})
	}
}

// A grant whose user cannot be trusted, or that is of no use, does not stay.
func TestRefusedSignInsAreRevoked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*idp, *site)
		kind   error
		status int
	}{
		"nonce of another sign-in": {func(p *idp, _ *site) {
			p.claims = func(c map[string]any) { c["nonce"] = "other" }
		}, oauth.ErrSignInFailed, 502},
		"no ID token": {func(p *idp, _ *site) {
			p.token = func(w http.ResponseWriter, honest string) {
				_, _ = w.Write([]byte(strings.Replace(honest, `"id_token"`, `"x"`, 1)))
			}
		}, oauth.ErrSignInFailed, 502},
		"keys out of reach": {func(_ *idp, s *site) {
			honest := s.web["provider.test"]
			s.web["provider.test"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/certs") {
					http.Error(w, "down", http.StatusServiceUnavailable)
					return
				}
				honest.ServeHTTP(w, r)
			})
		}, oauth.ErrSignInFailed, 502},
		"no creators": {func(p *idp, _ *site) {
			p.shares = `[{"owner":{"id":"156","type":"User"},"resources":{"universe":{"ids":[]}}}]`
		}, oauth.ErrNoCreators, 403},
		"no account": {func(p *idp, _ *site) { p.shares = `[]` }, oauth.ErrNoCreators, 403},
		"the application fails": {func(_ *idp, s *site) {
			s.bind = errors.New("no session store")
		}, oauth.ErrSignInFailed, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			s := newSite(t, p, oauth.LoginOptions{RequireResources: true})
			c.change(p, s)
			get(t, s.browser(t, ""), siteURL+"/login")
			s.wantError(t, c.kind, c.status)
			p.wantCounts(t, 1, 1)
			rows := 0
			for row, err := range s.store.Find(t.Context(), oauth.Query{}) {
				if err != nil || row.State != oauth.StateTombstone {
					t.Errorf("row in state %q (%v), want a tombstone", row.State, err)
				}
				rows++
			}
			if rows != 1 {
				t.Errorf("%d rows, want 1: a grant is stored before it is verified", rows)
			}
		})
	}
}

func TestSignInWithoutOpenID(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	p.token = func(w http.ResponseWriter, honest string) {
		_, _ = w.Write([]byte(strings.NewReplacer(`"id_token"`, `"x"`, `"scope"`, `"y"`).Replace(honest)))
	}
	want := []string{"asset:read", "asset:write"}
	s := newSite(t, p, oauth.LoginOptions{}, func(c *oauth.Config) { c.Scopes = want })
	get(t, s.browser(t, ""), siteURL+"/login")
	l := s.login(t)
	if l.Subject != "" || l.IDToken != nil || !cmp.Equal(l.Scopes, want) {
		t.Errorf("login %+v", l)
	}
	if info, err := s.Grant(l.GrantID).Info(t.Context()); err != nil || !cmp.Equal(info.Scopes, want) {
		t.Errorf("stored scopes %v (%v), want those asked for", info.Scopes, err)
	}
}

func TestIssuerInCallback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent, promised bool
		want           error
	}{{false, false, nil}, {true, false, nil}, {true, true, nil}, {false, true, oauth.ErrBadCallback}} {
		p := newIDP(t)
		p.back = func(q url.Values) {
			if c.sent {
				q.Set("iss", idpIssuer)
			}
		}
		s := newSite(t, p, oauth.LoginOptions{}, func(config *oauth.Config) { config.Provider.NamesIssuer = c.promised })
		get(t, s.browser(t, ""), siteURL+"/login")
		if c.want == nil {
			s.login(t)
			continue
		}
		s.wantError(t, c.want, http.StatusBadRequest)
		p.wantCounts(t, 0, 0)
	}
}

func TestDoneMayAnswer(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{})
	b := s.browser(t, "/callback")
	at := callbackURL(t, b)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, at.String(), http.NoBody)
	for _, c := range b.Jar.Cookies(at) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	s.CallbackHandler(func(w http.ResponseWriter, _ *http.Request, _ *oauth.Login) error {
		w.WriteHeader(http.StatusTeapot)
		return http.NewResponseController(w).Flush()
	}).ServeHTTP(rec, r)
	if rec.Code != http.StatusTeapot || rec.Header().Get("Location") != "" {
		t.Errorf("answer %d to %q, want the application's own", rec.Code, rec.Header().Get("Location"))
	}
	if got := rec.Header().Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy %q", got)
	}
}

// Nothing that is handed out or received may show in a log, an error or a page.
func TestSignInLeaksNothing(t *testing.T) {
	t.Parallel()
	var output strings.Builder
	var secrets []string
	for _, change := range []func(*idp, *site){
		func(*idp, *site) {},
		func(p *idp, _ *site) { p.claims = func(c map[string]any) { c["iss"] = "https://evil.test/" } },
		func(p *idp, _ *site) { p.shares = `[]` },
		func(p *idp, _ *site) { p.back = func(q url.Values) { q.Add("code", "canary-second") } },
		func(p *idp, _ *site) {
			p.back = func(q url.Values) {
				q.Del("code")
				q.Set("error", "server_error")
				q.Set("error_description", "state "+q.Get("state"))
			}
		},
		func(p *idp, _ *site) {
			p.token = func(w http.ResponseWriter, _ string) {
				fail(w, http.StatusBadRequest, "invalid_request", "code "+p.secrets[0]+" verifier "+p.secrets[len(p.secrets)-1])
			}
		},
		func(p *idp, _ *site) {
			p.token = func(w http.ResponseWriter, honest string) { _, _ = w.Write([]byte(honest[:len(honest)/2])) }
		},
	} {
		p := newIDP(t)
		s := newSite(t, p, oauth.LoginOptions{RequireResources: true}, func(c *oauth.Config) { c.OnError = nil })
		change(p, s)
		b := s.browser(t, "/callback")
		at := callbackURL(t, b)
		resp := get(t, b, at.String())
		_, err := s.FinishLogin(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, at.String(), http.NoBody))
		output.WriteString(resp.body + resp.header.Get("Location") + err.Error() + s.log.String())
		for _, l := range s.logins {
			output.WriteString(string(l.GrantID))
		}
		secrets = append(secrets, p.secrets...)
	}
	text := output.String()
	for _, control := range []string{"signed in", "sign-in failed", "iss: is", "<title>Sign-in did not work</title>"} {
		if !strings.Contains(text, control) {
			t.Errorf("the output lacks %q: this test sees too little", control)
		}
	}
	if len(secrets) < 30 {
		t.Errorf("only %d secrets to look for", len(secrets))
	}
	for _, s := range append(secrets, secretWord, "canary-") {
		if strings.Contains(text, s) {
			t.Errorf("the output holds %.12q...", s)
		}
	}
}

// fullStore takes sign-ins but no grant.
type fullStore struct{ *oauth.MemoryStore }

func (fullStore) Swap(context.Context, oauth.Version, oauth.Row) (oauth.Row, error) {
	return oauth.Row{}, oauth.ErrNotWritten
}

func TestGrantThatCannotBeKeptIsRevoked(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{}, func(c *oauth.Config) { c.Store = fullStore{oauth.NewMemoryStore()} })
	get(t, s.browser(t, ""), siteURL+"/login")
	s.wantError(t, oauth.ErrStoreUnavailable, http.StatusServiceUnavailable)
	p.wantCounts(t, 1, 1)
}

// A sign-in that the site does not take ends no older one.
func TestRefusedSignInSupersedesNothing(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{}, func(c *oauth.Config) { c.OneGrantPerUser = true })
	get(t, s.browser(t, ""), siteURL+"/login")
	if len(s.logins) != 1 {
		t.Fatal("no first sign-in")
	}
	s.bind = errors.New("the session store is down")
	get(t, s.browser(t, ""), siteURL+"/login")
	if err := s.Close(t.Context()); err != nil { // waits for whatever goes on behind
		t.Fatal(err)
	}
	info, err := s.Grant(s.logins[0].GrantID).Info(t.Context())
	if err != nil || info.State != oauth.StateActive {
		t.Errorf("the first grant is %s, %v", info.State, err)
	}
}
