package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud/oauth"
)

func TestLoginSendsToTheProvider(t *testing.T) {
	t.Parallel()
	s := newSite(t, newIDP(t), oauth.LoginOptions{Prompt: "login select_account"})
	resp := get(t, s.browser(t, "/oauth/v1/authorize"), siteURL+"/login")
	if resp.status != http.StatusSeeOther {
		t.Errorf("status %d, want 303", resp.status)
	}
	got := resp.location(t).Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(got.Get(name)) != 43 { // 256 bits
			t.Errorf("%s has %d characters, want 43", name, len(got.Get(name)))
		}
		got.Del(name)
	}
	want := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {siteURL + "/callback"},
		"scope": {"openid profile"}, "code_challenge_method": {"S256"}, "prompt": {"login select_account"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("authorize parameters (-want +got):\n%s", d)
	}
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := resp.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestLoginCookie(t *testing.T) {
	t.Parallel()
	for redirect, want := range map[string]struct {
		prefix string
		secure bool
	}{
		"https://app.test/callback":         {"__Host-rblx-login-", true},
		"http://localhost:3000/callback":    {"rblx-login-", false},
		"http://127.0.0.1:3000/callback":    {"rblx-login-", false},
		"https://localhost:3000/o/callback": {"__Host-rblx-login-", true},
	} {
		t.Run(redirect, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, newIDP(t), oauth.LoginOptions{}, func(c *oauth.Config) { c.RedirectURL = redirect })
			resp := get(t, s.browser(t, "/oauth/v1/authorize"), siteURL+"/login")
			cookies := resp.cookies()
			if len(cookies) != 1 {
				t.Fatalf("%d cookies, want 1", len(cookies))
			}
			c := cookies[0]
			if !strings.HasPrefix(c.Name, want.prefix) || c.Secure != want.secure || !c.HttpOnly ||
				c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 || len(c.Value) != 43 {
				t.Errorf("cookie %v, want prefix %q, Secure %v", c, want.prefix, want.secure)
			}
		})
	}
}

func TestLoginCookiesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, newIDP(t), oauth.LoginOptions{})
	c := s.browser(t, "/callback")
	var last *url.URL
	for range 20 {
		last = callbackURL(t, c)
	}
	site, err := url.Parse(siteURL)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Jar.Cookies(site)); n != 8 {
		t.Errorf("%d cookies after 20 sign-ins, want 8", n)
	}
	c.CheckRedirect = nil
	get(t, c, last.String())
	s.login(t)
}

func TestLoginRefusesOtherMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t, newIDP(t), oauth.LoginOptions{})
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		rec := httptest.NewRecorder()
		s.LoginHandler(oauth.LoginOptions{}).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, "/login", http.NoBody))
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: status %d, Set-Cookie %q", method, rec.Code, rec.Header().Get("Set-Cookie"))
		}
	}
}

// brokenFlows is a FlowStore that cannot be read, and if put is set, written.
type brokenFlows struct{ put bool }

var errDisk = errors.New("disk on fire")

func (f brokenFlows) PutFlow(context.Context, oauth.Flow) error {
	if f.put {
		return errDisk
	}
	return nil
}

func (f brokenFlows) TakeFlow(context.Context, string, string) (oauth.Flow, error) {
	return oauth.Flow{}, errDisk
}

func TestLoginWithoutFlowStore(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	s := newSite(t, p, oauth.LoginOptions{}, func(c *oauth.Config) { c.Flows = brokenFlows{put: true} })
	resp := get(t, s.browser(t, ""), siteURL+"/login")
	s.wantError(t, oauth.ErrStoreUnavailable, http.StatusServiceUnavailable)
	if e := s.errs[0]; !errors.Is(e, oauth.ErrSignInFailed) || !errors.Is(e, errDisk) {
		t.Errorf("error %v, want ErrSignInFailed for the disk", e)
	}
	if len(resp.cookies()) != 0 || resp.header.Get("Location") != "" {
		t.Errorf("cookies %v and Location %q of a sign-in that did not start", resp.cookies(), resp.header.Get("Location"))
	}

	s = newSite(t, p, oauth.LoginOptions{}, func(c *oauth.Config) { c.Flows = brokenFlows{} })
	get(t, s.browser(t, ""), siteURL+"/login")
	s.wantError(t, oauth.ErrStoreUnavailable, http.StatusServiceUnavailable)
	p.wantCounts(t, 0, 0)
}

func TestLoginReturnsTo(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                                 "at /me?tab=1",
		"?return_to=/games/7%3Fa%3Db":      "at /games/7?a=b",
		"?return_to=https://evil.test/":    "at /me?tab=1",
		"?return_to=//evil.test":           "at /me?tab=1",
		"?return_to=/%252f%252fevil.test":  "at /me?tab=1",
		"?return_to=%5C%5Cevil.test":       "at /me?tab=1",
		"?return_to=/a%0d%0aSet-Cookie:x":  "at /me?tab=1",
		"?return_to=javascript%3Aalert(1)": "at /me?tab=1",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, newIDP(t), oauth.LoginOptions{ReturnTo: "/me?tab=1"})
			if got := get(t, s.browser(t, ""), siteURL+"/login"+query).body; got != want {
				t.Errorf("ended %q, want %q", got, want)
			}
		})
	}
}
