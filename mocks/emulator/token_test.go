package emulator_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

func reuse(p emulator.Reuse) func(*emulator.Options) {
	return func(o *emulator.Options) { o.RefreshReuse = p }
}

func TestTokenAnswer(t *testing.T) {
	t.Parallel()
	got := start(t).signIn()
	for name, want := range map[string]any{"token_type": "Bearer", "expires_in": 899.0, "scope": allScope} {
		if got.body[name] != want {
			t.Errorf("%s = %v, want %v", name, got.body[name], want)
		}
	}
	if ct := got.Header.Get("Content-Type"); !strings.Contains(ct, "application/json") {
		t.Errorf("Content-Type = %q", ct)
	}
	if got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store (RFC 6749 section 5.1)", got.Header.Get("Cache-Control"))
	}
	refresh := got.body["refresh_token"].(string)
	if len(refresh) < 900 || len(refresh) > 1200 || strings.Count(refresh, ".") != 4 {
		t.Errorf("refresh token: %d bytes, %d dots; want a JWE of about 1 kB", len(refresh), strings.Count(refresh, "."))
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	for _, policy := range []emulator.Reuse{emulator.ReuseReject, emulator.ReuseRevoke, emulator.ReuseGrace(10 * time.Second)} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			a := start(t, reuse(policy))
			first := a.signIn()
			second := a.refresh(first.body["refresh_token"])
			want(t, second, http.StatusOK, "")
			for _, name := range []string{"access_token", "refresh_token", "id_token"} {
				if second.body[name] == first.body[name] || second.body[name] == nil {
					t.Errorf("%s was not renewed", name)
				}
			}
			want(t, a.refresh(second.body["refresh_token"]), http.StatusOK, "")
			if replays := a.Log().Replays(); len(replays) != 0 {
				t.Errorf("Replays() = %v of a client that made none", replays)
			}
		})
	}
}

func TestReuseIsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy    emulator.Reuse
		nextLives bool
	}{{emulator.ReuseReject, true}, {emulator.ReuseRevoke, false}} {
		t.Run(string(tc.policy), func(t *testing.T) {
			t.Parallel()
			a := start(t, reuse(tc.policy))
			first := a.signIn().body["refresh_token"]
			second := a.refresh(first).body["refresh_token"]
			want(t, a.refresh(first), http.StatusBadRequest, "invalid_grant")
			if tc.nextLives {
				want(t, a.refresh(second), http.StatusOK, "")
			} else {
				want(t, a.refresh(second), http.StatusBadRequest, "invalid_grant")
			}
			log := a.Log()
			if got := log.Replays(); len(got) != 1 || got[0] != emulator.Fingerprint(first.(string)) {
				t.Errorf("Replays() = %v", got)
			}
			if got := log.Reuses(); len(got) != 1 || got[0].Error != "invalid_grant" {
				t.Errorf("Reuses() = %+v", got)
			}
		})
	}
}

func TestGraceAnswersTheSameSuccessor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a machine that is busy spends no time
		a := start(t, reuse("grace=10s"))
		first := a.signIn().body["refresh_token"]
		second := a.refresh(first).body["refresh_token"]
		a.Advance(9 * time.Second)
		again := a.refresh(first)
		want(t, again, http.StatusOK, "")
		if again.body["refresh_token"] != second {
			t.Error("the predecessor was answered with another successor")
		}
		if in := again.body["expires_in"].(float64); in > 890 {
			t.Errorf("expires_in = %v, nine seconds after the token was made", in)
		}
		a.Advance(2 * time.Second)
		want(t, a.refresh(first), http.StatusBadRequest, "invalid_grant")
		want(t, a.refresh(second), http.StatusBadRequest, "invalid_grant")
	})
}

func TestGraceEndsWithTheSuccessor(t *testing.T) {
	t.Parallel()
	a := start(t, reuse("grace=10s"))
	first := a.signIn().body["refresh_token"]
	second := a.refresh(first).body["refresh_token"]
	third := a.refresh(second).body["refresh_token"]
	want(t, a.refresh(first), http.StatusBadRequest, "invalid_grant")
	want(t, a.refresh(third), http.StatusBadRequest, "invalid_grant")
}

func TestConcurrentRedeems(t *testing.T) {
	t.Parallel()
	const n = 20
	for _, tc := range []struct {
		policy  emulator.Reuse
		winners int
	}{{emulator.ReuseReject, 1}, {emulator.ReuseRevoke, 1}, {"grace=10s", n}} {
		t.Run(string(tc.policy), func(t *testing.T) {
			t.Parallel()
			a := start(t, reuse(tc.policy))
			token := a.signIn().body["refresh_token"]
			var (
				wg   sync.WaitGroup
				mu   sync.Mutex
				won  int
				next = map[any]int{}
			)
			for range n {
				wg.Go(func() {
					res := a.refresh(token)
					mu.Lock()
					defer mu.Unlock()
					if res.StatusCode == http.StatusOK {
						won++
						next[res.body["refresh_token"]]++
					}
				})
			}
			wg.Wait()
			if won != tc.winners || len(next) != 1 {
				t.Errorf("%d redeems won with %d successors, want %d with 1", won, len(next), tc.winners)
			}
			if got := a.Log().TokenPOSTs("refresh_token"); got != n {
				t.Errorf("TokenPOSTs = %d, want %d", got, n)
			}
		})
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	t.Run("access", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a := start(t)
			token := "Bearer " + a.signIn().body["access_token"].(string)
			a.Advance(898 * time.Second)
			want(t, a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", token)), http.StatusOK, "")
			a.Advance(2 * time.Second)
			res := a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", token))
			want(t, res, http.StatusUnauthorized, "invalid_token")
			if !strings.Contains(res.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("WWW-Authenticate = %q", res.Header.Get("WWW-Authenticate"))
			}
		})
	})
	t.Run("refresh", func(t *testing.T) {
		t.Parallel()
		a := start(t)
		first := a.signIn().body["refresh_token"]
		a.Advance(90*24*time.Hour - time.Minute)
		second := a.refresh(first)
		want(t, second, http.StatusOK, "")
		a.Advance(90*24*time.Hour + time.Second)
		want(t, a.refresh(second.body["refresh_token"]), http.StatusBadRequest, "invalid_grant")
	})
	t.Run("code", func(t *testing.T) {
		t.Parallel()
		a := start(t)
		code := a.authorize(authorizeQuery()).Query().Get("code")
		a.Advance(61 * time.Second)
		want(t, a.post("/oauth/v1/token", form("grant_type", "authorization_code", "code", code)), http.StatusBadRequest, "invalid_grant")
	})
	t.Run("short", func(t *testing.T) {
		t.Parallel()
		a := start(t, func(o *emulator.Options) { o.AccessTTL = 60 * time.Second })
		if got := a.signIn().body["expires_in"]; got != 59.0 {
			t.Errorf("expires_in = %v, want 59", got)
		}
	})
}

func TestCodeReuseRevokesWhatItGave(t *testing.T) {
	t.Parallel()
	a := start(t)
	code := a.authorize(authorizeQuery()).Query().Get("code")
	exchange := form("grant_type", "authorization_code", "code", code)
	tokens := a.post("/oauth/v1/token", exchange)
	want(t, tokens, http.StatusOK, "")
	want(t, a.post("/oauth/v1/token", exchange), http.StatusBadRequest, "invalid_grant")
	want(t, a.refresh(tokens.body["refresh_token"]), http.StatusBadRequest, "invalid_grant")
}

func TestExchangeRefusals(t *testing.T) {
	t.Parallel()
	verifier, challenge := pkce()
	other, _ := pkce()
	withPKCE := []string{"code_challenge", challenge, "code_challenge_method", "S256"}
	for name, tc := range map[string]struct {
		authorize []string
		exchange  url.Values
		status    int
		code      string
	}{
		"pkce":                  {withPKCE, form("code_verifier", verifier), 200, ""},
		"no pkce":               {nil, form(), 200, ""},
		"same redirect":         {nil, form("redirect_uri", callback), 200, ""},
		"verifier missing":      {withPKCE, form(), 400, "invalid_grant"},
		"verifier wrong":        {withPKCE, form("code_verifier", other), 400, "invalid_grant"},
		"verifier short":        {withPKCE, form("code_verifier", "abc"), 400, "invalid_grant"},
		"verifier unasked":      {nil, form("code_verifier", verifier), 400, "invalid_grant"},
		"redirect differs":      {nil, form("redirect_uri", callback+"/"), 400, "invalid_grant"},
		"redirect empty":        {nil, form("redirect_uri", ""), 400, "invalid_grant"},
		"code unknown":          {nil, form("code", "x"), 400, "invalid_grant"},
		"code empty":            {nil, form("code", ""), 400, "invalid_request"},
		"secret wrong":          {nil, form("client_secret", "x"), 401, "invalid_client"},
		"secret empty":          {nil, form("client_secret", ""), 401, "invalid_client"},
		"client unknown":        {nil, form("client_id", "1"), 401, "invalid_client"},
		"grant type missing":    {nil, form("grant_type", ""), 400, "invalid_request"},
		"grant type unknown":    {nil, form("grant_type", "password"), 400, "unsupported_grant_type"},
		"parameter twice":       {nil, url.Values{"code": {"a", "a"}}, 400, "invalid_request"},
		"unknown twice":         {nil, url.Values{"x": {"a", "b"}}, 400, "invalid_request"},
		"parameter oversized":   {nil, form("code", strings.Repeat("x", 5000)), 400, "invalid_request"},
		"body oversized":        {nil, form("x", strings.Repeat("x", 70000)), 400, "invalid_request"},
		"refresh without token": {nil, form("grant_type", "refresh_token"), 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			v := form("grant_type", "authorization_code", "code", a.authorize(authorizeQuery(tc.authorize...)).Query().Get("code"))
			maps.Copy(v, tc.exchange)
			got := a.post("/oauth/v1/token", v)
			want(t, got, tc.status, tc.code)
			if tc.code != "" && got.body["error_description"] == "" {
				t.Error("no error_description")
			}
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	basic := func(id, secret string) string {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(id, secret)
		return r.Header.Get("Authorization")
	}
	escaped := basic(emulator.DefaultClientID, url.QueryEscape(secret))
	for name, tc := range map[string]struct {
		body   url.Values
		header []string
		status int
		code   string
	}{
		"basic":                  {form(), []string{"Authorization", escaped}, 400, "invalid_grant"},
		"basic and id in body":   {form("client_id", emulator.DefaultClientID), []string{"Authorization", escaped}, 400, "invalid_grant"},
		"basic, other id":        {form("client_id", "2"), []string{"Authorization", escaped}, 400, "invalid_request"},
		"basic, not escaped":     {form(), []string{"Authorization", basic(emulator.DefaultClientID, secret)}, 401, "invalid_client"},
		"basic, wrong":           {form(), []string{"Authorization", basic(emulator.DefaultClientID, "x")}, 401, "invalid_client"},
		"bearer":                 {form(), []string{"Authorization", "Bearer x"}, 401, "invalid_client"},
		"both":                   {form("client_id", emulator.DefaultClientID, "client_secret", secret), []string{"Authorization", escaped}, 400, "invalid_request"},
		"body":                   {form("client_id", emulator.DefaultClientID, "client_secret", secret), nil, 400, "invalid_grant"},
		"none":                   {form(), nil, 401, "invalid_client"},
		"json":                   {form(), []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		"no content type":        {form(), []string{"Content-Type", ""}, 400, "invalid_request"},
		"body with charset":      {form("client_id", emulator.DefaultClientID, "client_secret", secret), []string{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}, 400, "invalid_grant"},
		"id alone, confidential": {form("client_id", emulator.DefaultClientID), nil, 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			tc.body.Set("grant_type", "refresh_token")
			tc.body.Set("refresh_token", "unknown")
			header := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, tc.header...)
			got := a.send(a.request(http.MethodPost, "/oauth/v1/token", tc.body.Encode(), header...))
			want(t, got, tc.status, tc.code)
			if asks := got.Header.Get("WWW-Authenticate") != ""; asks != (tc.status == 401 && tc.header != nil) {
				t.Errorf("WWW-Authenticate = %q", got.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestPublicClient(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.ClientSecret = "" })
	if to := a.authorize(authorizeQuery()); to.Query().Get("error") != "invalid_request" {
		t.Errorf("an authorization without PKCE: %v", to)
	}
	tokens := a.signIn()
	want(t, a.refresh(tokens.body["refresh_token"]), http.StatusOK, "")
	res := a.send(a.request("POST", "/oauth/v1/token", form("grant_type", "refresh_token", "refresh_token", "x",
		"client_id", emulator.DefaultClientID, "client_secret", "made up").Encode(), "Content-Type", "application/x-www-form-urlencoded"))
	want(t, res, http.StatusUnauthorized, "invalid_client")
}

func TestTokenEndpointTakesNoOtherForm(t *testing.T) {
	t.Parallel()
	a := start(t)
	want(t, a.send(a.request("POST", "/oauth/v1/token?client_id="+emulator.DefaultClientID, "", "Content-Type", "application/x-www-form-urlencoded")),
		http.StatusBadRequest, "invalid_request")
	res := a.send(a.request("GET", "/oauth/v1/token", ""))
	want(t, res, http.StatusMethodNotAllowed, "")
	if res.Header.Get("Allow") != "POST" {
		t.Errorf("Allow = %q", res.Header.Get("Allow"))
	}
	want(t, a.send(a.request("GET", "/oauth//v1/token", "")), http.StatusNotFound, "")
}

func TestRefreshScope(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := a.signIn().body["refresh_token"]
	more := form("grant_type", "refresh_token", "refresh_token", fmt.Sprint(token), "scope", "openid asset:write")
	want(t, a.post("/oauth/v1/token", more), http.StatusBadRequest, "invalid_scope")
	want(t, a.refresh(token), http.StatusOK, "") // a refused request has not consumed it
}
