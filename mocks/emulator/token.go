package emulator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenAnswer is a successful answer of the token endpoint.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
}

// token redeems a code or a refresh token. What it decides it decides under one
// lock, so that of any number of redeems of one token a single one wins.
func (e *Emulator) token(w http.ResponseWriter, form url.Values) *oauthError {
	e.mu.Lock()
	defer e.mu.Unlock()
	var (
		tokens *tokenAnswer
		err    *oauthError
	)
	switch grantType := form.Get("grant_type"); grantType {
	case "authorization_code":
		tokens, err = e.redeemCode(form)
	case "refresh_token":
		tokens, err = e.redeemRefresh(form)
	case "":
		err = refuse("invalid_request", "grant_type is missing")
	default:
		err = refuse("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, tokens)
	return nil
}

// redeemCode takes an authorization code, which works once. A second time
// revokes what it gave (RFC 6749 section 4.1.2).
func (e *Emulator) redeemCode(form url.Values) (*tokenAnswer, *oauthError) {
	code := form.Get("code")
	if code == "" {
		return nil, refuse("invalid_request", "code is missing")
	}
	a := e.oauth.codes[hashOf(code)]
	switch {
	case a == nil:
		return nil, refuse("invalid_grant", "the authorization code is not known")
	case a.redeemed:
		a.grant.revoked = true
		return nil, refuse("invalid_grant", "the authorization code has been used")
	}
	a.redeemed = true
	verifier := form.Get("code_verifier")
	switch {
	case e.Now().After(a.expires):
		return nil, refuse("invalid_grant", "the authorization code has expired")
	case form.Has("redirect_uri") && form.Get("redirect_uri") != a.redirectURI:
		return nil, refuse("invalid_grant", "redirect_uri differs from the authorization request's")
	case a.challenge == "" && verifier != "":
		return nil, refuse("invalid_grant", "there was no code_challenge to verify code_verifier with")
	case a.challenge != "" && !verifies(verifier, a.challenge):
		return nil, refuse("invalid_grant", "code_verifier does not match code_challenge")
	}
	return e.issue(a.grant, a.nonce), nil
}

// verifies checks a PKCE code verifier (RFC 7636 section 4.6).
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == challenge
}

// redeemRefresh rotates a refresh token.
func (e *Emulator) redeemRefresh(form url.Values) (*tokenAnswer, *oauthError) {
	presented := form.Get("refresh_token")
	if presented == "" {
		return nil, refuse("invalid_request", "refresh_token is missing")
	}
	now := e.Now()
	hash := hashOf(presented)
	t := e.oauth.refresh[hash]
	switch {
	case t == nil:
		return nil, refuse("invalid_grant", "the refresh token is not known")
	case t.grant.revoked:
		return nil, refuse("invalid_grant", "the authorization has been revoked")
	case !t.redeemed.IsZero():
		return e.reuse(t, now)
	case !now.Before(t.expires):
		return nil, refuse("invalid_grant", "the refresh token has expired")
	}
	for scope := range strings.FieldsSeq(form.Get("scope")) {
		if !t.grant.has(scope) {
			return nil, refuse("invalid_scope", "scope %.80q was not granted", scope)
		}
	}
	t.redeemed = now
	tokens := e.issue(t.grant, "")
	if grace, _ := e.opts.RefreshReuse.grace(); grace > 0 {
		t.answer = tokens
	}
	return tokens, nil
}

// reuse answers a refresh token that has been redeemed before.
func (e *Emulator) reuse(t *refreshToken, now time.Time) (*tokenAnswer, *oauthError) {
	grace, _ := e.opts.RefreshReuse.grace()
	switch {
	case e.opts.RefreshReuse == ReuseReject:
	case t.answer != nil && hashOf(t.answer.RefreshToken) == t.grant.live && now.Sub(t.redeemed) < grace:
		same := *t.answer
		same.ExpiresIn = max(0, same.ExpiresIn-int64(now.Sub(t.redeemed)/time.Second))
		return &same, nil
	default:
		t.grant.revoked = true
	}
	return nil, refuse("invalid_grant", "the refresh token has been used")
}

// issue makes a set of tokens; the refresh token in it is the grant's live one.
// The caller holds e.mu.
func (e *Emulator) issue(g *grant, nonce string) *tokenAnswer {
	now := e.Now()
	e.oauth.sweep(now)
	issued := now.Truncate(time.Second)
	access := &accessToken{grant: g, jti: "AT." + rand.Text(), issued: issued, expires: issued.Add(e.opts.AccessTTL.Truncate(time.Second))}
	tokens := &tokenAnswer{
		TokenType: "Bearer", Scope: g.scope, RefreshToken: e.signer.opaque(),
		ExpiresIn: int64(e.opts.AccessTTL/time.Second) - 1,
		AccessToken: e.signer.token(accessClaims{
			Audience: e.opts.ClientID, Scope: claimScope(g.scope), ID: access.jti, Subject: g.sub, Issuer: e.opts.Issuer,
			NotBefore: issued.Unix(), Issued: issued.Unix(), Expires: access.expires.Unix(),
		}),
	}
	e.oauth.access[access.jti] = access
	g.live = hashOf(tokens.RefreshToken)
	e.oauth.refresh[g.live] = &refreshToken{grant: g, jti: "RT." + rand.Text(), issued: issued, expires: now.Add(e.opts.RefreshTTL)}
	if g.has("openid") {
		tokens.IDToken = e.signer.token(idClaims{
			profile: e.profileOf(g), AccessHash: leftHalf(tokens.AccessToken), Nonce: nonce, Audience: e.opts.ClientID,
			ID: "ID." + rand.Text(), Issuer: e.opts.Issuer,
			NotBefore: issued.Unix(), Issued: issued.Unix(), Expires: issued.Add(idTokenTTL).Unix(),
		})
	}
	return tokens
}

// fieldsOnce splits a scope and drops repetitions.
func fieldsOnce(scope string) []string {
	var once []string
	for s := range strings.FieldsSeq(scope) {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
