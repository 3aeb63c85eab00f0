package transport

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

const apiKeyHeader = "X-Api-Key"

// NewAPIKey returns the Credential for an Open Cloud API key, which travels in
// the header x-api-key. The key does not show in its formatted forms.
func NewAPIKey(key string) Credential {
	sum := sha256.Sum256([]byte(key))
	return &apiKey{id: "apikey-" + hex.EncodeToString(sum[:8]), header: []string{key}}
}

type apiKey struct {
	id     string
	header []string // shared by all requests; full, so that an append copies
}

func (k *apiKey) CredentialID() string { return k.id }

// String and GoString keep the key out of all verbs of fmt; there are no
// exported fields for encoders to find.
func (k *apiKey) String() string   { return k.id }
func (k *apiKey) GoString() string { return k.id }

func (k *apiKey) RoundTripper(base http.RoundTripper, allowed Origins) http.RoundTripper {
	return &keyTransport{key: k, base: base, allowed: allowed}
}

type keyTransport struct {
	key     *apiKey
	base    http.RoundTripper
	allowed Origins
}

// RoundTrip implements http.RoundTripper.
func (t *keyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.allowed.Allows(r.URL) {
		return t.base.RoundTrip(r)
	}
	return t.base.RoundTrip(WithHeader(r, apiKeyHeader, t.key.header))
}

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *keyTransport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
