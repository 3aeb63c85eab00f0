package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
)

const apiKeyHeader = "X-Api-Key"

// NewAPIKey returns the Credential for an Open Cloud API key, which travels in
// the header x-api-key. The key does not show in its formatted forms.
func NewAPIKey(key string) Credential {
	sum := sha256.Sum256([]byte(key))
	return &apiKey{id: "apikey-" + hex.EncodeToString(sum[:8]), header: []string{key}}
}

// NewAPIKeySource returns the Credential for an API key that may change while
// the program runs, because somebody renews it in a file or a secret manager.
// The name is what the credential is known by, through all its keys.
//
// key is called for each request, at the same time for several of them, with
// the request's context; it should answer from memory. If it fails, or what it
// returns is no key, the request is not sent.
func NewAPIKeySource(name string, key func(context.Context) (string, error)) Credential {
	return &apiKey{id: "apikey-" + name, source: key}
}

type apiKey struct {
	id     string
	header []string // shared by all requests; full, so that an append copies
	source func(context.Context) (string, error)
}

func (k *apiKey) CredentialID() string { return k.id }

// String and GoString keep the key out of all verbs of fmt; there are no
// exported fields for encoders to find.
func (k *apiKey) String() string   { return k.id }
func (k *apiKey) GoString() string { return k.id }

// current returns the values of the header.
func (k *apiKey) current(ctx context.Context) ([]string, error) {
	if k.source == nil {
		return k.header, nil
	}
	key, err := k.source(ctx)
	if err != nil {
		return nil, fmt.Errorf("transport: the source of %s: %w", k.id, err)
	}
	if err := CheckAPIKey(key); err != nil {
		return nil, fmt.Errorf("transport: the source of %s: %w", k.id, err)
	}
	return []string{key}, nil
}

// CheckAPIKey returns an error, without the key in it, if key cannot be one: it
// is empty, or has a space, a line break or another character that no API key has.
func CheckAPIKey(key string) error {
	if key == "" {
		return errors.New("the API key is empty")
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return errors.New("the API key has a character that none has, such as a space or line break")
		}
	}
	return nil
}

func (k *apiKey) RoundTripper(base http.RoundTripper, allowed Origins) http.RoundTripper {
	return &keyTransport{key: k, base: orDefault(base), allowed: allowed}
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
	header, err := t.key.current(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	return SendWithHeader(t.base, r, apiKeyHeader, header)
}

// CredentialID tells whoever is handed this RoundTripper that it has one.
func (t *keyTransport) CredentialID() string { return t.key.id }

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *keyTransport) CloseIdleConnections() { closeIdle(t.base) }
