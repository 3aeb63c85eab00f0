package transport

import "net/http"

func orDefault(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return http.DefaultTransport
	}
	return base
}

// closeBody is what a RoundTripper does with a request that it does not send.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // the error worth telling is why it was not sent
	}
}

func closeIdle(base http.RoundTripper) {
	if c, ok := base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// credentialID returns that of a RoundTripper that carries a credential.
func credentialID(base http.RoundTripper) string {
	if c, ok := base.(interface{ CredentialID() string }); ok {
		return c.CredentialID()
	}
	return ""
}
