package transport

import "net/http"

// Credential is something that authenticates requests: an API key, or a grant
// of package oauth. Credentials are safe for concurrent use.
type Credential interface {
	// CredentialID tells credentials apart. It is stable and never secret: a
	// grant's id, the hash of a key.
	CredentialID() string
	// RoundTripper returns a RoundTripper that attaches the credential to the
	// requests which go to allowed origins, and sends all requests through base.
	// As it runs beneath http.Client it decides anew on each hop of a redirect.
	RoundTripper(base http.RoundTripper, allowed Origins) http.RoundTripper
}
