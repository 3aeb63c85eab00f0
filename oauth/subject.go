package oauth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// subjectOf reads the sub of an ID token that came from the token endpoint over
// TLS, which vouches for it (OpenID Connect Core 1.0 section 3.1.3.7, 6). It
// returns "" for what is no ID token.
func subjectOf(token Secret) string {
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Subject
}
