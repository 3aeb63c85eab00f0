package emulator_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

func (a *app) keys() jose.JSONWebKeySet {
	a.t.Helper()
	var set jose.JSONWebKeySet
	res := a.send(a.request("GET", "/oauth/v1/certs", ""))
	if err := json.Unmarshal([]byte(res.text), &set); err != nil {
		a.t.Fatal(err)
	}
	return set
}

// claims verifies a token with the published key of its kid.
func (a *app) claims(token any) map[string]any {
	a.t.Helper()
	sig, err := jose.ParseSignedCompact(token.(string), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		a.t.Fatal(err)
	}
	set := a.keys()
	keys := set.Key(sig.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		a.t.Fatalf("%d published keys have the token's kid", len(keys))
	}
	payload, err := sig.Verify(keys[0])
	if err != nil {
		a.t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		a.t.Fatal(err)
	}
	return claims
}

func TestAccessTokenClaims(t *testing.T) {
	t.Parallel()
	a := start(t)
	c := a.claims(a.signIn().body["access_token"])
	if c["aud"] != emulator.DefaultClientID || c["iss"] != base+"/oauth/" || c["sub"] != "156" || !strings.HasPrefix(c["jti"].(string), "AT.") {
		t.Errorf("claims %v", c)
	}
	if c["scope"] != "openid:read profile:read universe-messaging-service:publish group:read" {
		t.Errorf("scope = %q", c["scope"])
	}
	if life := c["exp"].(float64) - c["iat"].(float64); life != 900 || c["nbf"] != c["iat"] {
		t.Errorf("exp - iat = %v, nbf %v", life, c["nbf"])
	}
}

func TestIDTokenClaims(t *testing.T) {
	t.Parallel()
	a := start(t)
	tokens := a.signIn("nonce", "n-0S6")
	c := a.claims(tokens.body["id_token"])
	if c["nonce"] != "n-0S6" || c["aud"] != emulator.DefaultClientID || c["name"] != "Juniper" || c["preferred_username"] != "juniper_builds" ||
		!strings.HasPrefix(c["jti"].(string), "ID.") || c["at_hash"] == "" {
		t.Errorf("claims %v", c)
	}
	if life := c["exp"].(float64) - c["iat"].(float64); life != 36000 || c["nbf"] != c["iat"] {
		t.Errorf("exp - iat = %v, nbf %v", life, c["nbf"])
	}
	if c := a.claims(a.refresh(tokens.body["refresh_token"]).body["id_token"]); c["sub"] != "156" || c["nonce"] != nil {
		t.Errorf("after a refresh: %v", c)
	}
	code := a.authorize(authorizeQuery()).Query().Get("code")
	unasked := a.post("/oauth/v1/token", form("grant_type", "authorization_code", "code", code))
	if _, has := a.claims(unasked.body["id_token"])["nonce"]; has {
		t.Error("a nonce that nobody sent")
	}
	code = a.authorize(authorizeQuery("scope", "group:read")).Query().Get("code")
	if got := a.post("/oauth/v1/token", form("grant_type", "authorization_code", "code", code)); got.body["id_token"] != nil {
		t.Error("an ID token without the scope openid")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.signIn().body["access_token"]
	if err := a.RotateKey(); err != nil {
		t.Fatal(err)
	}
	after := a.signIn().body["access_token"]
	a.claims(before) // still published
	a.claims(after)
	for _, k := range a.keys().Keys {
		if !k.IsPublic() || k.Algorithm != "ES256" || k.Use != "sig" {
			t.Errorf("key %+v", k)
		}
	}
	if n := len(a.keys().Keys); n != 2 {
		t.Errorf("%d keys, want 2", n)
	}
	for _, token := range []any{before, after} {
		want(t, a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+token.(string))), http.StatusOK, "")
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *emulator.Options) { o.Issuer = "https://apis.roblox.com/oauth/" })
	got := a.send(a.request("GET", "/oauth/.well-known/openid-configuration", ""))
	if !strings.Contains(got.Header.Get("Content-Type"), "application/json") || got.body["issuer"] != "https://apis.roblox.com/oauth/" {
		t.Errorf("discovery: %v %s", got.Header, got.text)
	}
	for name, path := range map[string]string{
		"authorization_endpoint": "/authorize", "token_endpoint": "/token", "introspection_endpoint": "/token/introspect",
		"revocation_endpoint": "/token/revoke", "resources_endpoint": "/token/resources", "userinfo_endpoint": "/userinfo", "jwks_uri": "/certs",
	} {
		if got.body[name] != base+"/oauth/v1"+path {
			t.Errorf("%s = %v", name, got.body[name])
		}
	}
	if diff := cmp.Diff([]any{"ES256"}, got.body["id_token_signing_alg_values_supported"]); diff != "" {
		t.Error(diff)
	}
	if c := a.claims(a.signIn().body["id_token"]); c["iss"] != "https://apis.roblox.com/oauth/" {
		t.Errorf("iss = %v", c["iss"])
	}
}

func TestUserInfo(t *testing.T) {
	t.Parallel()
	a := start(t)
	ask := func(token any) answer {
		return a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+token.(string)))
	}
	full := ask(a.signIn().body["access_token"])
	created, _ := full.body["created_at"].(float64)
	if full.body["sub"] != "156" || full.body["name"] != "Juniper" || full.body["nickname"] != "Juniper" ||
		full.body["picture"] != base+"/emulator/avatars/156" || created < 1e9 || full.body["profile"] != "https://www.roblox.com/users/156/profile" {
		t.Errorf("userinfo %s", full.text)
	}
	b := start(t, func(o *emulator.Options) { o.AutoConsent = false })
	if sable := b.userInfoOf("358"); sable.body["name"] != "Sable" || !strings.Contains(sable.text, `"picture":null`) {
		t.Errorf("an account without a picture: %s", sable.text)
	}
	if bare := ask(a.signIn("scope", "openid").body["access_token"]); bare.text != `{"sub":"156"}` {
		t.Errorf("with openid alone: %s", bare.text)
	}
	want(t, ask(a.signIn("scope", "group:read").body["access_token"]), http.StatusForbidden, "insufficient_scope")
	want(t, ask("made.up.token"), http.StatusUnauthorized, "invalid_token")
	want(t, a.send(a.request("GET", "/oauth/v1/userinfo", "")), http.StatusUnauthorized, "invalid_token")
	if avatar := a.send(a.request("GET", "/emulator/avatars/156", "")); avatar.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("avatar: %v", avatar.Header)
	}
}

// userInfoOf signs an account in on the consent page.
func (a *app) userInfoOf(userID string) answer {
	a.t.Helper()
	page, err := a.consentPage(authorizeQuery()).Submit(context.Background(), url.Values{"decision": {"allow"}, "user": {userID}})
	if err != nil {
		a.t.Fatal(err)
	}
	tokens := a.post("/oauth/v1/token", form("grant_type", "authorization_code", "code", page.Location().Query().Get("code")))
	return a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+tokens.body["access_token"].(string)))
}

func TestForgedAccessToken(t *testing.T) {
	t.Parallel()
	a, other := start(t), start(t)
	parts := strings.Split(a.signIn().body["access_token"].(string), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, token := range map[string]string{
		"another emulator's": other.signIn().body["access_token"].(string),
		"alg none":           none + "." + parts[1] + ".",
		"other claims":       parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"jti":"AT.x","sub":"257"}`)) + "." + parts[2],
	} {
		want(t, a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+token)), http.StatusUnauthorized, "invalid_token")
		if got := a.post("/oauth/v1/token/introspect", form("token", token)); got.text != `{"active":false}` {
			t.Errorf("introspection of %s: %s", name, got.text)
		}
	}
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	a := start(t)
	tokens := a.signIn()
	for name, prefix := range map[string]string{"access_token": "AT.", "refresh_token": "RT."} {
		got := a.post("/oauth/v1/token/introspect", form("token", tokens.body[name].(string), "token_type_hint", name))
		if got.body["active"] != true || got.body["sub"] != "156" || got.body["client_id"] != emulator.DefaultClientID ||
			got.body["scope"] != allScope || !strings.HasPrefix(got.body["jti"].(string), prefix) {
			t.Errorf("%s: %s", name, got.text)
		}
	}
	a.Advance(901 * time.Second)
	if got := a.post("/oauth/v1/token/introspect", form("token", tokens.body["access_token"].(string))); got.text != `{"active":false}` {
		t.Errorf("expired: %s", got.text)
	}
	want(t, a.post("/oauth/v1/token/introspect", form()), http.StatusBadRequest, "invalid_request")
	want(t, a.post("/oauth/v1/token/introspect", form("token", "x", "client_secret", "")), http.StatusUnauthorized, "invalid_client")
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                    string
		revoke                  string
		userinfo, refresh       int
		quirkActive, rfc7662Say bool
	}{
		{"refresh token", "refresh_token", 401, 400, true, false},
		{"access token", "access_token", 401, 200, true, false},
		{"unknown", "", 200, 200, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, strict := range []bool{false, true} {
				a := start(t, func(o *emulator.Options) { o.IntrospectRevoked = strict })
				tokens := a.signIn()
				token, _ := tokens.body[tc.revoke].(string)
				if token == "" {
					token = "made up"
				}
				got := a.post("/oauth/v1/token/revoke", form("token", token))
				if got.StatusCode != http.StatusOK || got.text != "" {
					t.Fatalf("revoke: %d %q", got.StatusCode, got.text)
				}
				access := tokens.body["access_token"].(string)
				want(t, a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+access)), tc.userinfo, "")
				active := a.post("/oauth/v1/token/introspect", form("token", access)).body["active"]
				if say := map[bool]bool{false: tc.quirkActive, true: tc.rfc7662Say}[strict]; active != say {
					t.Errorf("introspection says active %v, want %v", active, say)
				}
				want(t, a.refresh(tokens.body["refresh_token"]), tc.refresh, "")
			}
		})
	}
}

func TestRevokeOfARedeemedTokenChangesNothing(t *testing.T) {
	t.Parallel()
	a := start(t)
	first := a.signIn().body["refresh_token"]
	second := a.refresh(first).body["refresh_token"]
	want(t, a.post("/oauth/v1/token/revoke", form("token", first.(string))), http.StatusOK, "")
	want(t, a.refresh(second), http.StatusOK, "")
	want(t, a.post("/oauth/v1/token/revoke", form()), http.StatusBadRequest, "invalid_request")
	want(t, a.post("/oauth/v1/token/revoke", form("token", "x", "client_secret", "x")), http.StatusUnauthorized, "invalid_client")
}

func TestRevokeUser(t *testing.T) {
	t.Parallel()
	a := start(t)
	one, two := a.signIn(), a.signIn()
	if n := a.RevokeUser("156"); n != 2 {
		t.Errorf("RevokeUser ended %d grants, want 2", n)
	}
	if n := a.RevokeUser("156"); n != 0 {
		t.Errorf("RevokeUser ended %d grants again", n)
	}
	for _, tokens := range []answer{one, two} {
		want(t, a.refresh(tokens.body["refresh_token"]), http.StatusBadRequest, "invalid_grant")
	}
}

func TestResourcesNeedsAWorkingAccessToken(t *testing.T) {
	t.Parallel()
	a := start(t)
	tokens := a.signIn()
	for _, token := range []string{"x", tokens.body["refresh_token"].(string)} {
		want(t, a.post("/oauth/v1/token/resources", form("token", token)), http.StatusUnauthorized, "invalid_token")
	}
	want(t, a.post("/oauth/v1/token/resources", form()), http.StatusBadRequest, "invalid_request")
	a.Advance(time.Hour)
	want(t, a.post("/oauth/v1/token/resources", form("token", tokens.body["access_token"].(string))), http.StatusUnauthorized, "invalid_token")
}
