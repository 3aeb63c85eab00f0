package emulator

import "net/http"

// discovery is Roblox's provider metadata (OpenID Connect Discovery), with the
// emulator's URLs.
func (e *Emulator) discovery(w http.ResponseWriter, _ *http.Request, _ vars) {
	at := e.opts.URL + "/oauth/v1"
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                e.opts.Issuer,
		"authorization_endpoint":                at + "/authorize",
		"token_endpoint":                        at + "/token",
		"introspection_endpoint":                at + "/token/introspect",
		"revocation_endpoint":                   at + "/token/revoke",
		"resources_endpoint":                    at + "/token/resources",
		"userinfo_endpoint":                     at + "/userinfo",
		"jwks_uri":                              at + "/certs",
		"service_documentation":                 "https://create.roblox.com/docs/reference/cloud",
		"scopes_supported":                      []string{"openid", "profile"},
		"response_types_supported":              []string{"none", "code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"claims_supported": []string{
			"sub", "type", "iss", "aud", "exp", "iat", "nonce", "name", "nickname", "preferred_username", "created_at", "profile", "picture",
		},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
	})
}

// certs publishes the signing keys as a JWK set.
func (e *Emulator) certs(w http.ResponseWriter, _ *http.Request, _ vars) {
	writeJSON(w, http.StatusOK, e.signer.certs())
}
