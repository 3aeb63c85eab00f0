// Package peertest runs rblx soak against authorization servers that were not
// written here, and golang.org/x/oauth2 beside it.
package peertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
)

const (
	clientID     = "peertest"
	clientSecret = "a secret of the peer test"
	redirectURL  = "http://localhost:3000/callback"
	accessTTL    = 3 * time.Second
)

// countingStore counts the refresh tokens that come to the token endpoint.
type countingStore struct {
	*storage.MemoryStore

	mu       sync.Mutex
	redeemed int
	replays  int // redeemed before, or never given
}

// redeeming marks the context of a token request: fosite looks for refresh
// tokens elsewhere too.
type redeeming struct{}

// GetRefreshTokenSession implements fosite's storage.
func (s *countingStore) GetRefreshTokenSession(ctx context.Context, signature string, session fosite.Session) (fosite.Requester, error) {
	r, err := s.MemoryStore.GetRefreshTokenSession(ctx, signature, session)
	if ctx.Value(redeeming{}) == nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.redeemed++
	case errors.Is(err, fosite.ErrInactiveToken), errors.Is(err, fosite.ErrNotFound):
		s.replays++
	}
	return r, err
}

func (s *countingStore) counts() (redeemed, replays int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redeemed, s.replays
}

// fositeServer is an authorization server made of ory/fosite.
type fositeServer struct {
	url      string
	provider fosite.OAuth2Provider
	store    *countingStore
	key      *jose.JSONWebKey
	// redeems is held by one token request at a time, as by a database's
	// transaction: the memory store alone takes a refresh token twice if both come
	// at the same moment.
	redeems sync.Mutex
}

func startFosite(t *testing.T) *fositeServer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &fositeServer{
		key:   &jose.JSONWebKey{Key: private, KeyID: "one", Algorithm: "ES256", Use: "sig"},
		store: &countingStore{MemoryStore: storage.NewMemoryStore()},
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	config := &fosite.Config{
		GlobalSecret:        []byte(rand.Text() + rand.Text()),
		AccessTokenLifespan: accessTTL,
		RefreshTokenScopes:  []string{},
		IDTokenIssuer:       f.url,
		EnforcePKCE:         true,
		HashCost:            4,
	}
	hash, err := (&fosite.BCrypt{Config: config}).Hash(t.Context(), []byte(clientSecret))
	if err != nil {
		t.Fatal(err)
	}
	f.store.Clients[clientID] = &fosite.DefaultClient{
		ID: clientID, Secret: hash, RedirectURIs: []string{redirectURL}, Scopes: []string{"openid"},
		ResponseTypes: []string{"code"}, GrantTypes: []string{"authorization_code", "refresh_token"},
	}
	keys := func(context.Context) (any, error) { return f.key, nil }
	f.provider = compose.Compose(config, f.store,
		&compose.CommonStrategy{
			CoreStrategy:               compose.NewOAuth2HMACStrategy(config),
			OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(keys, config),
			Signer:                     &jwt.DefaultSigner{GetPrivateKey: keys},
		},
		compose.OAuth2AuthorizeExplicitFactory, compose.OpenIDConnectExplicitFactory,
		compose.OAuth2RefreshTokenGrantFactory, compose.OpenIDConnectRefreshFactory,
		compose.OAuth2PKCEFactory, compose.OAuth2TokenRevocationFactory, compose.OAuth2TokenIntrospectionFactory,
	)
	mux.HandleFunc("GET /.well-known/openid-configuration", f.discovery)
	mux.HandleFunc("GET /authorize", f.authorize)
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("POST /revoke", f.revoke)
	mux.HandleFunc("GET /userinfo", f.userInfo)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{f.key.Public()}})
	})
	return f
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // nobody is left to tell
}

func (f *fositeServer) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{
		"issuer":                                f.url,
		"authorization_endpoint":                f.url + "/authorize",
		"token_endpoint":                        f.url + "/token",
		"revocation_endpoint":                   f.url + "/revoke",
		"userinfo_endpoint":                     f.url + "/userinfo",
		"jwks_uri":                              f.url + "/jwks",
		"scopes_supported":                      []string{"openid"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
	})
}

func newSession(subject string) *openid.DefaultSession {
	now := time.Now()
	return &openid.DefaultSession{
		Subject: subject,
		Claims:  &jwt.IDTokenClaims{Subject: subject, AuthTime: now, RequestedAt: now},
		Headers: &jwt.Headers{},
	}
}

// authorize consents at once.
func (f *fositeServer) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	ar, err := f.provider.NewAuthorizeRequest(ctx, r)
	if err != nil {
		f.provider.WriteAuthorizeError(ctx, w, ar, err)
		return
	}
	for _, scope := range ar.GetRequestedScopes() {
		ar.GrantScope(scope)
	}
	resp, err := f.provider.NewAuthorizeResponse(ctx, ar, newSession("156"))
	if err != nil {
		f.provider.WriteAuthorizeError(ctx, w, ar, err)
		return
	}
	f.provider.WriteAuthorizeResponse(ctx, w, ar, resp)
}

func (f *fositeServer) token(w http.ResponseWriter, r *http.Request) {
	f.redeems.Lock()
	defer f.redeems.Unlock()
	ctx := context.WithValue(r.Context(), redeeming{}, true)
	ar, err := f.provider.NewAccessRequest(ctx, r, newSession(""))
	if err != nil {
		f.provider.WriteAccessError(ctx, w, ar, err)
		return
	}
	resp, err := f.provider.NewAccessResponse(ctx, ar)
	if err != nil {
		f.provider.WriteAccessError(ctx, w, ar, err)
		return
	}
	f.provider.WriteAccessResponse(ctx, w, ar, resp)
}

func (f *fositeServer) revoke(w http.ResponseWriter, r *http.Request) {
	f.provider.WriteRevocationResponse(r.Context(), w, f.provider.NewRevocationRequest(r.Context(), r))
}

func (f *fositeServer) userInfo(w http.ResponseWriter, r *http.Request) {
	_, ar, err := f.provider.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, newSession(""))
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750 section 3
		http.Error(w, "the token is not active", http.StatusUnauthorized)
		return
	}
	reply(w, map[string]any{"sub": ar.GetSession().GetSubject()})
}
