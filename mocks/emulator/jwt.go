package emulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signer makes the tokens: ES256 for access and ID tokens, an encrypted blob
// for refresh tokens.
type signer struct {
	refresh jose.Encrypter

	mu   sync.Mutex
	keys []jose.JSONWebKey // public, newest first
	sign jose.Signer
}

func newSigner() (*signer, error) {
	key := make([]byte, 64)
	_, _ = rand.Read(key) // never fails
	opts := (&jose.EncrypterOptions{}).WithType("JWT")
	enc, err := jose.NewEncrypter(jose.A256CBC_HS512, jose.Recipient{Algorithm: jose.DIRECT, Key: key, KeyID: rand.Text()[:16]}, opts)
	if err != nil {
		return nil, fmt.Errorf("emulator: refresh token key: %w", err)
	}
	s := &signer{refresh: enc}
	return s, s.rotate()
}

// rotate makes a new signing key and keeps the old ones published.
func (s *signer) rotate() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("emulator: signing key: %w", err)
	}
	key := jose.JSONWebKey{Key: private, KeyID: rand.Text()[:16], Algorithm: string(jose.ES256), Use: "sig"}
	sign, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return fmt.Errorf("emulator: signing key: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append([]jose.JSONWebKey{key.Public()}, s.keys...)
	s.sign = sign
	return nil
}

// RotateKey signs with a new key from now on. The certs endpoint goes on
// publishing the earlier ones, after the new one.
func (e *Emulator) RotateKey() error { return e.signer.rotate() }

func (s *signer) certs() jose.JSONWebKeySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey(nil), s.keys...)}
}

// token signs claims.
func (s *signer) token(claims any) string {
	s.mu.Lock()
	sign := s.sign
	s.mu.Unlock()
	token, err := jwt.Signed(sign).Claims(claims).Serialize()
	if err != nil {
		panic("emulator: " + err.Error()) // claims of ours that are not JSON
	}
	return token
}

// resign changes the claims of a token and signs it again.
func (s *signer) resign(token string, change func(map[string]any)) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return token
	}
	var claims map[string]any
	dec := json.NewDecoder(strings.NewReader(string(payload)))
	dec.UseNumber()
	if dec.Decode(&claims) != nil {
		return token
	}
	change(claims)
	return s.token(claims)
}

// verify returns the claims of an access token whose signature is ours.
func (s *signer) verify(token string) (accessClaims, bool) {
	var claims accessClaims
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return claims, false
	}
	keys := s.certs()
	return claims, parsed.Claims(&keys, &claims) == nil
}

// opaque returns a new refresh token: a JWE of about a kilobyte, whose content
// only its size matters of.
func (s *signer) opaque() string {
	var content [560]byte
	_, _ = rand.Read(content[:]) // never fails
	box, err := s.refresh.Encrypt(content[:])
	if err != nil {
		panic("emulator: " + err.Error()) // the key fits the algorithm
	}
	token, err := box.CompactSerialize()
	if err != nil {
		panic("emulator: " + err.Error())
	}
	return token
}

// accessClaims are those of Roblox's access tokens. Scope has ":read" appended
// to scopes without a suffix.
type accessClaims struct {
	Audience  string `json:"aud"`
	Scope     string `json:"scope"`
	ID        string `json:"jti"`
	Subject   string `json:"sub"`
	Issuer    string `json:"iss"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	Issued    int64  `json:"iat"`
}

// idClaims are those of Roblox's ID tokens.
type idClaims struct {
	profile
	AccessHash string `json:"at_hash"`
	Nonce      string `json:"nonce,omitempty"`
	Audience   string `json:"aud"`
	ID         string `json:"jti"`
	Issuer     string `json:"iss"`
	NotBefore  int64  `json:"nbf"`
	Expires    int64  `json:"exp"`
	Issued     int64  `json:"iat"`
}

// idTokenTTL is how long Roblox's ID tokens live.
const idTokenTTL = 10 * time.Hour

// leftHalf is the at_hash of an access token (OpenID Connect Core 3.1.3.6).
func leftHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// claimScope is the scope claim for a granted scope.
func claimScope(granted string) string {
	scopes := strings.Fields(granted)
	for i, s := range scopes {
		if !strings.Contains(s, ":") {
			scopes[i] = s + ":read"
		}
	}
	return strings.Join(scopes, " ")
}
