package emulator

import (
	"net/http"
	"net/url"
)

// revoke ends what a token stands for (RFC 7009): the live refresh token ends
// the whole grant, an access token ends itself. A token that is unknown, or a
// refresh token that has been redeemed, changes nothing and is answered alike.
func (e *Emulator) revoke(w http.ResponseWriter, form url.Values) *oauthError {
	token := form.Get("token")
	if token == "" {
		return refuse("invalid_request", "token is missing")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.oauth.refresh[hashOf(token)]; t != nil {
		if t.redeemed.IsZero() {
			t.grant.revoked = true
		}
	} else if t := e.accessOf(token); t != nil {
		t.revoked = true
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
