package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud/oauth"
)

const testNonce, testAccess = "canary-nonce", "canary-at"

func newVerifier(p *idp) *oauth.Verifier {
	return oauth.NewVerifier(*p.provider(), clientID, &http.Client{Transport: web{"provider.test": p}})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	now := time.Now().Truncate(time.Second)
	got, err := newVerifier(p).Verify(t.Context(), oauth.Secret(sign(t, jose.ES256, p.key, p.kid, idClaims(now, testNonce, testAccess))), testNonce, testAccess)
	if err != nil {
		t.Fatal(err)
	}
	want := &oauth.IDToken{
		Issuer: idpIssuer, Subject: "156", Audience: []string{clientID},
		Name: "Builder", Nickname: "Builder", PreferredUsername: "builderman",
		Profile: "https://www.roblox.com/users/156/profile", CreatedAt: time.Unix(1141169680, 0),
		IssuedAt: now, Expiry: now.Add(10 * time.Hour),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ID token (-want +got):\n%s", d)
	}
}

func TestVerifyClaims(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	v := newVerifier(p)
	now := time.Now()
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	both := func(fs ...func(map[string]any)) func(map[string]any) {
		return func(c map[string]any) {
			for _, f := range fs {
				f(c)
			}
		}
	}
	without := func(name string) func(map[string]any) { return func(c map[string]any) { delete(c, name) } }
	for name, c := range map[string]struct {
		change func(map[string]any)
		claim  string // "-" if the token is good
	}{
		"iss without slash":      {set("iss", "https://provider.test/oauth"), "iss"},
		"iss of another":         {set("iss", "https://evil.test/oauth/"), "iss"},
		"iss missing":            {without("iss"), "iss"},
		"aud of another":         {set("aud", "1"), "aud"},
		"aud missing":            {without("aud"), "aud"},
		"aud empty list":         {set("aud", []string{}), "aud"},
		"aud list of one":        {set("aud", []string{clientID}), "-"},
		"aud list without azp":   {set("aud", []string{clientID, "1"}), "azp"},
		"aud list, azp other":    {both(set("aud", []string{clientID, "1"}), set("azp", "1")), "azp"},
		"aud list, azp ours":     {both(set("aud", []string{clientID, "1"}), set("azp", clientID)), "-"},
		"azp other":              {set("azp", "1"), "azp"},
		"azp empty":              {set("azp", ""), "azp"},
		"azp ours":               {set("azp", clientID), "-"},
		"sub missing":            {without("sub"), "sub"},
		"sub too long":           {set("sub", strings.Repeat("1", 256)), "sub"},
		"sub number":             {set("sub", 156), ""},
		"exp missing":            {without("exp"), "exp"},
		"exp null":               {set("exp", nil), "exp"},
		"exp string":             {set("exp", "soon"), ""},
		"exp long ago":           {set("exp", in(-4*time.Minute)), "exp"},
		"exp a moment ago":       {set("exp", in(-30*time.Second)), "-"},
		"exp float":              {set("exp", float64(in(time.Hour))+.5), "-"},
		"iat missing":            {without("iat"), "iat"},
		"iat ahead":              {set("iat", in(time.Hour)), "iat"},
		"iat a little ahead":     {set("iat", in(2*time.Minute)), "-"},
		"nbf missing":            {without("nbf"), "-"},
		"nbf ahead":              {set("nbf", in(time.Hour)), "nbf"},
		"nbf a little ahead":     {set("nbf", in(2*time.Minute)), "-"},
		"nonce missing":          {without("nonce"), "nonce"},
		"nonce empty":            {set("nonce", ""), "nonce"},
		"nonce of another":       {set("nonce", testNonce+"x"), "nonce"},
		"at_hash missing":        {without("at_hash"), "-"},
		"at_hash of another":     {set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"},
		"at_hash empty":          {set("at_hash", ""), "at_hash"},
		"created_at senseless":   {set("created_at", "long ago"), "-"},
		"picture missing":        {without("picture"), "-"},
		"name of the wrong type": {set("name", []int{1}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := idClaims(now, testNonce, testAccess)
			c.change(claims)
			token := sign(t, jose.ES256, p.key, p.kid, claims)
			_, err := v.Verify(t.Context(), oauth.Secret(token), testNonce, testAccess)
			wantIDTokenError(t, err, c.claim, token)
		})
	}
}

func wantIDTokenError(t *testing.T, err error, claim, token string) {
	t.Helper()
	if claim == "-" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	e, ok := errors.AsType[*oauth.IDTokenError](err)
	if !ok || e.Claim != claim {
		t.Errorf("error %v, want an IDTokenError of %q", err, claim)
		return
	}
	if strings.Contains(err.Error(), "canary") || (token != "" && strings.Contains(err.Error(), token)) {
		t.Errorf("error %q holds a secret", err)
	}
}

func TestVerifyWithoutAccessToken(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	token := sign(t, jose.ES256, p.key, p.kid, idClaims(time.Now(), testNonce, testAccess))
	if _, err := newVerifier(p).Verify(t.Context(), oauth.Secret(token), testNonce, ""); err != nil {
		t.Errorf("refused without an access token: %v", err)
	}
}

// A token without a nonce must not match a caller without one.
func TestVerifyNeedsANonce(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	token := sign(t, jose.ES256, p.key, p.kid, idClaims(time.Now(), "", testAccess))
	_, err := newVerifier(p).Verify(t.Context(), oauth.Secret(token), "", testAccess)
	wantIDTokenError(t, err, "nonce", token)
}

// Tokens that the provider's key did not sign in the one way we take.
func TestVerifySignature(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	claims := idClaims(time.Now(), testNonce, testAccess)
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := newIDP(t)
	honest := sign(t, jose.ES256, p.key, p.kid, claims)
	part := strings.Split(honest, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	withHeader := func(name jose.HeaderKey, value any) string {
		opts := new(jose.SignerOptions).WithHeader(name, value)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.kid}}, opts)
		if err != nil {
			t.Fatal(err)
		}
		return serialize(t, signer, payload)
	}
	encrypter, err := jose.NewEncrypter(jose.A128CBC_HS256, jose.Recipient{Algorithm: jose.ECDH_ES, Key: p.key.Public()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := encrypter.Encrypt(payload)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	embedded := func() string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: other.key}, &jose.SignerOptions{EmbedJWK: true})
		if err != nil {
			t.Fatal(err)
		}
		return serialize(t, signer, payload)
	}
	duplicate := strings.Replace(string(payload), `"nonce"`, `"nonce":"x","nonce"`, 1)
	raw := func(payload string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.kid}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return serialize(t, signer, []byte(payload))
	}
	for name, c := range map[string]struct{ token, claim string }{
		"honest":             {honest, "-"},
		"no kid, one key":    {sign(t, jose.ES256, p.key, "", claims), "-"},
		"empty":              {"", ""},
		"no token":           {"canary", ""},
		"huge":               {strings.Repeat("a", 20000), ""},
		"alg none":           {b64([]byte(`{"alg":"none"}`)) + "." + part[1] + ".", "alg"},
		"alg None, with sig": {b64([]byte(`{"alg":"None","kid":"k1"}`)) + "." + part[1] + "." + part[2], "alg"},
		"no alg":             {b64([]byte(`{"kid":"k1"}`)) + "." + part[1] + "." + part[2], "alg"},
		"HS256 with EC key":  {sign(t, jose.HS256, public, p.kid, claims), "alg"},
		"RS256":              {sign(t, jose.RS256, rsaKey, p.kid, claims), "alg"},
		"ES384":              {sign(t, jose.ES384, p384, p.kid, claims), "alg"},
		"another's key":      {sign(t, jose.ES256, other.key, p.kid, claims), "signature"},
		"another's kid":      {sign(t, jose.ES256, other.key, "k2", claims), "kid"},
		"its own key":        {embedded(), "signature"},
		"changed payload":    {part[0] + "." + b64([]byte(strings.Replace(string(payload), `"156"`, `"157"`, 1))) + "." + part[2], "signature"},
		"no signature":       {part[0] + "." + part[1] + ".", "signature"},
		"short signature":    {part[0] + "." + part[1] + "." + part[2][:40], "signature"},
		"crit":               {withHeader("crit", []string{"exp"}), "crit"},
		"nested":             {withHeader("cty", "JWT"), "cty"},
		"encrypted":          {encrypted, ""},
		"duplicate claim":    {raw(duplicate), ""},
		"no JSON":            {raw("canary"), ""},
		"JSON list":          {raw(`["canary"]`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newVerifier(p).Verify(t.Context(), oauth.Secret(c.token), testNonce, testAccess)
			wantIDTokenError(t, err, c.claim, c.token)
		})
	}
}

func TestVerifyExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newIDP(t)
		v := newVerifier(p)
		token := oauth.Secret(sign(t, jose.ES256, p.key, p.kid, idClaims(time.Now(), testNonce, testAccess)))
		time.Sleep(10*time.Hour + 3*time.Minute - time.Second)
		if _, err := v.Verify(t.Context(), token, testNonce, testAccess); err != nil {
			t.Errorf("refused within the leeway: %v", err)
		}
		time.Sleep(time.Second)
		_, err := v.Verify(t.Context(), token, testNonce, testAccess)
		wantIDTokenError(t, err, "exp", string(token))
	})
}
