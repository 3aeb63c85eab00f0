package emulator

import (
	"net/http"
	"net/url"
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
	about := introspection{Active: true, Issuer: e.opts.Issuer, TokenType: "Bearer", ClientID: e.opts.ClientID, Audience: e.opts.ClientID}
	now := e.Now()
	if t := e.oauth.refresh[hashOf(token)]; t != nil && now.Before(t.expires) {
		ended := t.grant.revoked || !t.redeemed.IsZero()
		about.Active = !ended || !e.opts.IntrospectRevoked
		about.ID, about.Subject, about.Scope = t.jti, t.grant.sub, t.grant.scope
		about.Issued, about.Expires = t.issued.Unix(), t.expires.Unix()
	} else if t := e.accessOf(token); t != nil && now.Before(t.expires) {
		ended := t.grant.revoked || t.revoked
		about.Active = !ended || !e.opts.IntrospectRevoked
		about.ID, about.Subject, about.Scope = t.jti, t.grant.sub, t.grant.scope
		about.Issued, about.Expires = t.issued.Unix(), t.expires.Unix()
	} else {
		about.Active = false
	}
	if !about.Active {
		writeJSON(w, http.StatusOK, map[string]bool{"active": false})
		return nil
	}
	writeJSON(w, http.StatusOK, about)
	return nil
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
