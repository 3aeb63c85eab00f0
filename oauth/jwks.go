package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keysFresh    = time.Hour       // older keys are used and fetched again
	keysUsable   = 24 * time.Hour  // older keys, after an outage that long, are not used
	keysCooldown = time.Minute     // between fetches, so that forged kids cannot cause floods
	keysRetry    = 5 * time.Second // the same after a fetch that failed
	maxKeys      = 100
)

// keySet caches a provider's public keys (RFC 7517).
type keySet struct {
	url     string
	client  *http.Client
	closing context.Context // ends a fetch; nil never does

	mu      sync.Mutex // never held over I/O
	keys    map[string]*ecdsa.PublicKey
	fetched time.Time     // when keys came
	next    time.Time     // no fetch before this
	failure error         // of the last fetch
	flight  chan struct{} // closed when the fetch under way is over; nil if none is
}

// key returns the key of that id, or the only key there is where id is empty.
// A key it does not know is looked for once more, within the cooldown's
// bounds; the wait ends with ctx, the fetch does not.
func (s *keySet) key(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	key, wait, err := s.lookup(ctx, id)
	if wait == nil {
		return key, err
	}
	select {
	case <-wait:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cached(id)
}

// lookup returns a channel to wait for if only a fetch can tell.
func (s *keySet) lookup(ctx context.Context, id string) (*ecdsa.PublicKey, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.cached(id)
	if err == nil && time.Since(s.fetched) < keysFresh {
		return key, nil, nil
	}
	if s.flight == nil && !time.Now().Before(s.next) {
		s.flight = make(chan struct{})
		go s.fetch(context.WithoutCancel(ctx), s.flight)
	}
	if err == nil { // stale, but good enough while the fetch is under way
		return key, nil, nil
	}
	return nil, s.flight, err
}

// cached is called with the mutex held.
func (s *keySet) cached(id string) (*ecdsa.PublicKey, error) {
	if s.keys == nil || time.Since(s.fetched) > keysUsable {
		if s.failure != nil {
			return nil, fmt.Errorf("the provider's keys cannot be had: %w", s.failure)
		}
		return nil, errors.New("the provider's keys are not there yet")
	}
	if key := s.keys[id]; key != nil && id != "" {
		return key, nil
	}
	if id == "" && len(s.keys) == 1 {
		for _, key := range s.keys {
			return key, nil
		}
	}
	return nil, errors.New("the provider has no such key")
}

func (s *keySet) fetch(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.closing != nil {
		defer context.AfterFunc(s.closing, cancel)() //nolint:contextcheck // Close ends it, no caller does
	}
	keys, err := s.read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.failure = err; err == nil {
		s.keys, s.fetched, s.next = keys, now, now.Add(keysCooldown)
	} else {
		s.next = now.Add(keysRetry)
	}
	s.flight = nil
	close(done)
}

// read reads the keys. A panic, of the application's transport, ends here as one
// in a refresh does.
func (s *keySet) read(ctx context.Context) (keys map[string]*ecdsa.PublicKey, err error) {
	defer func() {
		if p := recover(); p != nil {
			keys, err = nil, fmt.Errorf("fetching them panicked: %v", p)
		}
	}()
	body, err := fetchDocument(ctx, s.client, s.url)
	if err != nil {
		return nil, err
	}
	return parseKeys(body)
}

// parseKeys returns the keys that can have signed an ID token: P-256, on the
// curve, for signatures. Others are passed over, and so are keys that share
// their id.
func parseKeys(document []byte) (map[string]*ecdsa.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, fmt.Errorf("the key set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has %d keys, more than %d", len(set.Keys), maxKeys)
	}
	keys := map[string]*ecdsa.PublicKey{}
	seen := map[string]bool{}
	for _, raw := range set.Keys {
		var jwk jose.JSONWebKey
		if jwk.UnmarshalJSON(raw) != nil || !jwk.Valid() {
			continue
		}
		key, ok := jwk.Key.(*ecdsa.PublicKey)
		if !ok || key.Curve != elliptic.P256() ||
			(jwk.Use != "" && jwk.Use != "sig") || (jwk.Algorithm != "" && jwk.Algorithm != string(jose.ES256)) {
			continue
		}
		if seen[jwk.KeyID] {
			delete(keys, jwk.KeyID)
			continue
		}
		seen[jwk.KeyID] = true
		keys[jwk.KeyID] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no P-256 key for signatures")
	}
	return keys, nil
}
