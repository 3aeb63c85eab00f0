package emulator_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
)

func TestAuthorizeRedirectsErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		query url.Values
		code  string
	}{
		"no response_type":  {form("response_type", ""), "invalid_request"},
		"token":             {form("response_type", "token"), "unsupported_response_type"},
		"no scope":          {form("scope", ""), "invalid_scope"},
		"unknown scope":     {form("scope", "openid email"), "invalid_scope"},
		"plain PKCE":        {form("code_challenge", strings.Repeat("a", 43), "code_challenge_method", "plain"), "invalid_request"},
		"PKCE, no method":   {form("code_challenge", strings.Repeat("a", 43)), "invalid_request"},
		"PKCE, short":       {form("code_challenge", "abc", "code_challenge_method", "S256"), "invalid_request"},
		"unknown prompt":    {form("prompt", "select_account+consent"), "invalid_request"},
		"none and more":     {form("prompt", "none login"), "invalid_request"},
		"nobody consented":  {form("prompt", "none"), "interaction_required"},
		"oversized nonce":   {form("nonce", strings.Repeat("x", 2049)), "invalid_request"},
		"duplicate scope":   {url.Values{"scope": {"openid", "openid"}}, "invalid_request"},
		"duplicate unknown": {url.Values{"x": {"1", "2"}}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
			q := authorizeQuery()
			maps.Copy(q, tc.query)
			to := a.authorize(q)
			if got := to.Query(); got.Get("error") != tc.code || got.Get("state") != "st" || got.Has("code") || got.Get("error_description") == "" {
				t.Errorf("redirected to %v, want error %s and the state", to, tc.code)
			}
		})
	}
}

func TestAuthorizeNeverRedirectsToStrangers(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]url.Values{
		"other client":        form("client_id", "1"),
		"no client":           form("client_id", ""),
		"two clients":         {"client_id": {emulator.DefaultClientID, emulator.DefaultClientID}},
		"other host":          form("redirect_uri", "http://localhost:3001/callback"),
		"prefix":              form("redirect_uri", callback+"/x"),
		"query added":         form("redirect_uri", callback+"?x=1"),
		"upper case host":     form("redirect_uri", "http://LOCALHOST:3000/callback"),
		"no redirect":         form("redirect_uri", ""),
		"two redirects":       {"redirect_uri": {callback, "https://evil.example/"}},
		"stranger and denied": form("redirect_uri", "https://evil.example/", "response_type", "token"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			q := authorizeQuery()
			maps.Copy(q, query)
			res := a.send(a.request("GET", "/oauth/v1/authorize?"+q.Encode(), ""))
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("answered %d, Location %q", res.StatusCode, res.Header.Get("Location"))
			}
			if !strings.Contains(res.text, "This sign-in cannot go on") {
				t.Error("no page that says so")
			}
		})
	}
}

func TestPromptsAreSpaceSeparated(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
	a.consentPage(authorizeQuery("prompt", "select_account consent"))
}

func TestIssuerParameter(t *testing.T) {
	t.Parallel()
	if to := start(t).authorize(authorizeQuery()); to.Query().Has("iss") {
		t.Errorf("iss was sent unasked: %v", to)
	}
	a := start(t, func(o *emulator.Options) { o.SendIssuer = true })
	if got := a.authorize(authorizeQuery()).Query().Get("iss"); got != base+"/oauth/" {
		t.Errorf("iss = %q", got)
	}
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
	page := a.consentPage(authorizeQuery()).Page()
	csp := page.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self' http://localhost:3000"} {
		if !strings.Contains(csp, part) {
			t.Errorf("Content-Security-Policy %q lacks %q", csp, part)
		}
	}
	for _, text := range []string{"Juniper", "Marlow", "Sable", "Lantern Harbor", "Night Market Studio", "universe-messaging-service:publish"} {
		if !strings.Contains(page.Body, text) {
			t.Errorf("the page does not show %q", text)
		}
	}
	for _, remote := range []string{"src=\"http", "href=\"http", "<script", "@import"} {
		if strings.Contains(page.Body, remote) {
			t.Errorf("the page has %q", remote)
		}
	}
}

func TestConsentToChosenResources(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fields url.Values
		want   string
	}{
		"as it stands": {nil, `[{"owner":{"id":"156","type":"User"},"resources":{"creator":{"ids":["U"]},"universe":{"ids":["8801","8802"]}}},` +
			`{"owner":{"id":"7001","type":"Group"},"resources":{"creator":{"ids":["G7001"]},"universe":{"ids":["8804"]}}}]`},
		"one experience": {url.Values{"universe": {"8802"}, "creator": nil},
			`[{"owner":{"id":"156","type":"User"},"resources":{"universe":{"ids":["8802"]}}}]`},
		"nothing": {url.Values{"universe": nil, "creator": nil}, `[]`},
		"somebody else's": {url.Values{"universe": {"8803", "8801"}, "creator": {"G7002"}},
			`[{"owner":{"id":"156","type":"User"},"resources":{"universe":{"ids":["8801"]}}}]`},
		"another account": {url.Values{"user": {"257"}, "creator": {"U"}},
			`[{"owner":{"id":"257","type":"User"},"resources":{"creator":{"ids":["U"]},"universe":{"ids":["8803"]}}},` +
				`{"owner":{"id":"7002","type":"Group"},"resources":{"universe":{"ids":["8805"]}}}]`},
		"an account without creations": {url.Values{"user": {"358"}}, `[{"owner":{"id":"358","type":"User"},"resources":{"creator":{"ids":["U"]}}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
			b := a.consentPage(authorizeQuery())
			fields := url.Values{"decision": {"allow"}}
			maps.Copy(fields, tc.fields)
			page, err := b.Submit(context.Background(), fields)
			if err != nil {
				t.Fatal(err)
			}
			code := page.Location().Query().Get("code")
			tokens := a.post("/oauth/v1/token", form("grant_type", "authorization_code", "code", code))
			want(t, tokens, http.StatusOK, "")
			got := a.post("/oauth/v1/token/resources", form("token", tokens.body["access_token"].(string)))
			if got.text != `{"resource_infos":`+tc.want+`}` {
				t.Errorf("resources:\n got %s\nwant %s", got.text, tc.want)
			}
		})
	}
}

func TestIdentityAloneGrantsNoResources(t *testing.T) {
	t.Parallel()
	a := start(t)
	tokens := a.signIn("scope", "openid profile")
	if got := a.post("/oauth/v1/token/resources", form("token", tokens.body["access_token"].(string))); got.text != `{"resource_infos":[]}` {
		t.Errorf("resources: %s", got.text)
	}
}

func TestDeny(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
	page, err := a.consentPage(authorizeQuery()).Consent(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	got := page.Location().Query()
	if got.Get("error") != "access_denied" || got.Get("state") != "st" || got.Has("code") {
		t.Errorf("redirected to %v", page.Location())
	}
}

func TestConsentFormWorksOnce(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
	post := func(fields url.Values) answer {
		return a.send(a.request("POST", "/oauth/v1/consent", fields.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
	}
	token := func() string {
		body := a.consentPage(authorizeQuery()).Page().Body
		_, rest, _ := strings.Cut(body, `name="form" value="`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	once := token()
	want(t, post(form("form", once, "user", "156", "decision", "allow")), http.StatusFound, "")
	want(t, post(form("form", once, "user", "156", "decision", "allow")), http.StatusBadRequest, "")
	want(t, post(form("user", "156", "decision", "allow")), http.StatusBadRequest, "")
	want(t, post(form("form", token(), "decision", "allow")), http.StatusBadRequest, "")
	want(t, post(form("form", token(), "user", "5001", "decision", "allow")), http.StatusBadRequest, "") // nobody signs in as a visitor
	late := token()
	a.Advance(11 * time.Minute)
	want(t, post(form("form", late, "user", "156", "decision", "allow")), http.StatusBadRequest, "")
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.AutoConsent = false })
	first, second := a.consentPage(authorizeQuery("state", "one")), a.consentPage(authorizeQuery("state", "two"))
	var states []string
	for _, b := range []*browser.Browser{second, first} {
		page, err := b.Consent(context.Background(), true)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, page.Location().Query().Get("state"))
	}
	if !slices.Equal(states, []string{"two", "one"}) {
		t.Errorf("states %v", states)
	}
}
