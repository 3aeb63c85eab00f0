package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rblx-go/opencloud/oauth"
)

// keyServer is a key set endpoint whose answer can be changed.
type keyServer struct {
	answer  atomic.Pointer[http.HandlerFunc]
	fetches atomic.Int32
	verify  *oauth.Verifier
}

func newKeyServer(answer http.HandlerFunc) *keyServer {
	s := new(keyServer)
	s.answer.Store(&answer)
	p := oauth.Provider{Issuer: idpIssuer, JWKSURL: idpIssuer + "v1/certs"}
	s.verify = oauth.NewVerifier(p, clientID, &http.Client{Transport: web{"provider.test": s}})
	return s
}

func (s *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.fetches.Add(1)
	(*s.answer.Load())(w, r)
}

func (s *keyServer) set(answer http.HandlerFunc) { s.answer.Store(&answer) }

func (s *keyServer) check(t *testing.T, token string) error {
	t.Helper()
	_, err := s.verify.Verify(t.Context(), oauth.Secret(token), testNonce, testAccess)
	return err
}

func (s *keyServer) wantFetches(t *testing.T, want int32) {
	t.Helper()
	if got := s.fetches.Load(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

func serve(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
}

func down(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "down", http.StatusServiceUnavailable)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// lasting returns a token that lives for days.
func lasting(t *testing.T, key *ecdsa.PrivateKey, kid string) string {
	t.Helper()
	claims := idClaims(time.Now(), testNonce, testAccess)
	claims["exp"] = time.Now().Add(100 * time.Hour).Unix()
	return sign(t, jose.ES256, key, kid, claims)
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newKey(t), newKey(t)
		s := newKeyServer(serve(keySet("a", first)))
		if err := s.check(t, lasting(t, first, "a")); err != nil {
			t.Fatal(err)
		}
		s.set(serve(keySet("b", second)))
		time.Sleep(time.Minute)
		if err := s.check(t, lasting(t, second, "b")); err != nil {
			t.Errorf("the new key is refused: %v", err)
		}
		s.wantFetches(t, 2)
		wantIDTokenError(t, s.check(t, lasting(t, first, "a")), "kid", "")
		s.wantFetches(t, 2) // within the cooldown
	})
}

// Forged tokens must not make us flood the provider.
func TestUnknownKidsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, forger := newKey(t), newKey(t)
		s := newKeyServer(serve(keySet("a", key)))
		for i := range 100 {
			wantIDTokenError(t, s.check(t, lasting(t, forger, "forged-"+strconv.Itoa(i))), "kid", "")
		}
		s.wantFetches(t, 1)
		if err := s.check(t, lasting(t, key, "a")); err != nil {
			t.Errorf("the honest token suffers: %v", err)
		}
		for range 600 {
			time.Sleep(time.Second)
			wantIDTokenError(t, s.check(t, lasting(t, forger, "forged")), "kid", "")
		}
		s.wantFetches(t, 11)
	})
}

func TestKeysAreFetchedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t)
		s := newKeyServer(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Second)
			_, _ = w.Write(keySet("a", key))
		})
		token := oauth.Secret(lasting(t, key, "a"))
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := s.verify.Verify(t.Context(), token, testNonce, testAccess); err != nil {
					t.Errorf("refused: %v", err)
				}
			})
		}
		// A caller in a hurry leaves by itself and harms nobody.
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			_, err := s.verify.Verify(ctx, token, testNonce, testAccess)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("%v after %v, want the caller's deadline after 1s", err, time.Since(start))
			}
		})
		group.Wait()
		s.wantFetches(t, 1)
	})
}

// The first caller's cancellation does not end the fetch others wait for.
func TestKeyFetchOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t)
		s := newKeyServer(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(3 * time.Second):
				_, _ = w.Write(keySet("a", key))
			case <-r.Context().Done():
			}
		})
		token := oauth.Secret(lasting(t, key, "a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.verify.Verify(ctx, token, testNonce, testAccess); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		if err := s.check(t, string(token)); err != nil {
			t.Errorf("refused: %v", err)
		}
		s.wantFetches(t, 1)
	})
}

// A transport that panics fails the fetch, not the process.
func TestKeyFetchPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t)
		s := newKeyServer(func(http.ResponseWriter, *http.Request) { panic("a bug") })
		if err := s.check(t, lasting(t, key, "a")); err == nil {
			t.Error("accepted without a key")
		}
		s.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keySet("a", key)) })
		time.Sleep(time.Minute)
		if err := s.check(t, lasting(t, key, "a")); err != nil {
			t.Errorf("refused: %v", err)
		}
		s.wantFetches(t, 2)
	})
}

func TestKeysInAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t)
		s := newKeyServer(down)
		token := lasting(t, key, "a")
		wantIDTokenError(t, s.check(t, token), "kid", token)
		wantIDTokenError(t, s.check(t, token), "kid", token)
		s.wantFetches(t, 1)
		s.set(serve(keySet("a", key)))
		time.Sleep(5 * time.Second)
		if err := s.check(t, token); err != nil {
			t.Fatalf("no second try: %v", err)
		}
		s.wantFetches(t, 2)

		s.set(down)
		time.Sleep(time.Hour)
		if err := s.check(t, token); err != nil {
			t.Errorf("stale keys are refused: %v", err)
		}
		synctest.Wait()
		s.wantFetches(t, 3)
		time.Sleep(23*time.Hour - time.Second)
		if err := s.check(t, token); err != nil {
			t.Errorf("keys of a day are refused: %v", err)
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		err := s.check(t, token)
		wantIDTokenError(t, err, "kid", token)
		if !strings.Contains(fmt.Sprint(err), "answered 503") {
			t.Errorf("error %v does not name the outage", err)
		}
		time.Sleep(5 * time.Second)
		s.set(serve(keySet("a", key)))
		if err := s.check(t, token); err != nil {
			t.Errorf("no recovery: %v", err)
		}
	})
}

// A key that the provider has withdrawn stops working within the hour's fetch.
func TestWithdrawnKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKey(t), newKey(t)
		s := newKeyServer(serve(keySet("a", old)))
		token := lasting(t, old, "a")
		if err := s.check(t, token); err != nil {
			t.Fatal(err)
		}
		s.set(serve(keySet("b", fresh)))
		time.Sleep(time.Hour)
		if err := s.check(t, token); err != nil { // starts the fetch
			t.Error(err)
		}
		synctest.Wait()
		wantIDTokenError(t, s.check(t, token), "kid", token)
		s.wantFetches(t, 2)
	})
}

func TestHostileKeySets(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	var good map[string]any
	if err := json.Unmarshal(mustMarshal(t, jose.JSONWebKey{Key: key.Public(), KeyID: "a"}), &good); err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) map[string]any {
		k := maps.Clone(good)
		k[name] = value
		return k
	}
	set := func(keys ...any) []byte { return mustMarshal(t, map[string]any{"keys": keys}) }
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := json.RawMessage(`{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}`)
	for name, c := range map[string]struct {
		body []byte
		ok   bool
	}{
		"good":                 {set(good), true},
		"beside bad ones":      {set(rsaKey, json.RawMessage(`7`), json.RawMessage(`{"kty":"OKP"}`), good), true},
		"for encryption":       {set(with("use", "enc")), false},
		"for another alg":      {set(with("alg", "ES384")), false},
		"P-384":                {set(jose.JSONWebKey{Key: p384.Public(), KeyID: "a"}), false},
		"symmetric":            {set(jose.JSONWebKey{Key: []byte("0123456789abcdef"), KeyID: "a"}), false},
		"off the curve":        {set(with("x", good["y"])), false},
		"the point at nowhere": {set(with("x", "")), false},
		"duplicate kid":        {set(good, jose.JSONWebKey{Key: other.Public(), KeyID: "a"}), false},
		"triple kid":           {set(good, good, good), false},
		"empty":                {set(), false},
		"no JSON":              {[]byte("<html>"), false},
		"huge":                 {append(set(good), strings.Repeat(" ", 1<<20)...), false},
		"very many":            {set(tooMany(good)...), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newKeyServer(serve(c.body)).check(t, lasting(t, key, "a"))
			if c.ok {
				wantIDTokenError(t, err, "-", "")
			} else {
				wantIDTokenError(t, err, "kid", "")
			}
		})
	}
	t.Run("no kid among several", func(t *testing.T) {
		t.Parallel()
		s := newKeyServer(serve(set(good, jose.JSONWebKey{Key: other.Public(), KeyID: "b"})))
		wantIDTokenError(t, s.check(t, lasting(t, key, "")), "kid", "")
	})
	t.Run("redirect", func(t *testing.T) {
		t.Parallel()
		s := newKeyServer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
		wantIDTokenError(t, s.check(t, lasting(t, key, "a")), "kid", "")
		s.wantFetches(t, 1)
	})
}

// tooMany returns the key among others of other kids.
func tooMany(key map[string]any) []any {
	keys := []any{key}
	for i := range 100 {
		k := maps.Clone(key)
		k["kid"] = strconv.Itoa(i)
		keys = append(keys, k)
	}
	return keys
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
