package emulator

import (
	"net/http"
	"net/url"
	"time"
)

// introspection is the answer for a token that counts as active. The client id
// is a string: as a number it would lose digits.
type introspection struct {
	Active    bool   `json:"active"`
	ID        string `json:"jti"`
	Issuer    string `json:"iss"`
	TokenType string `json:"token_type"`
	ClientID  string `json:"client_id"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	Scope     string `json:"scope"`
	Expires   int64  `json:"exp"`
	Issued    int64  `json:"iat"`
}

// introspect tells about an access or a refresh token (RFC 7662). As at Roblox,
// "active" means not yet expired; see Options.IntrospectRevoked.
func (e *Emulator) introspect(w http.ResponseWriter, form url.Values) *oauthError {
	token := form.Get("token")
	if token == "" {
		return refuse("invalid_request", "token is missing")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.oauth.refresh[hashOf(token)]; t != nil {
		e.writeIntrospection(w, t.grant, t.jti, t.issued, t.expires, !t.redeemed.IsZero())
	} else if t := e.accessOf(token); t != nil {
		e.writeIntrospection(w, t.grant, t.jti, t.issued, t.expires, t.revoked)
	} else {
		writeInactive(w)
	}
	return nil
}

// writeIntrospection tells about a token; spent says that it no longer works.
func (e *Emulator) writeIntrospection(w http.ResponseWriter, g *grant, jti string, issued, expires time.Time, spent bool) {
	if !e.Now().Before(expires) || e.opts.IntrospectRevoked && (spent || g.revoked) {
		writeInactive(w)
		return
	}
	writeJSON(w, http.StatusOK, introspection{
		Active: true, ID: jti, Issuer: e.opts.Issuer, TokenType: "Bearer", ClientID: e.opts.ClientID, Audience: e.opts.ClientID,
		Subject: g.sub, Scope: g.scope, Expires: expires.Unix(), Issued: issued.Unix(),
	})
}

func writeInactive(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]bool{"active": false})
}

// accessOf finds an access token by its signature and id. The caller holds e.mu.
func (e *Emulator) accessOf(token string) *accessToken {
	claims, ok := e.signer.verify(token)
	if !ok {
		return nil
	}
	return e.oauth.access[claims.ID]
}

// working returns an access token that an API would accept now, or nil. The
// caller holds e.mu.
func (e *Emulator) working(token string) *accessToken {
	t := e.accessOf(token)
	if t == nil || t.revoked || t.grant.revoked || !e.Now().Before(t.expires) {
		return nil
	}
	return t
}
