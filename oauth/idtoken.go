package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json" // refuses duplicate members
	"github.com/go-jose/go-jose/v4/jwt"
)

// IDToken is what a verified ID token says of the user.
//
// Key users by Subject alone: user names and display names change, and a name
// given up can become another user's.
type IDToken struct {
	Issuer            string
	Subject           string // the Roblox user id
	Audience          []string
	Name              string // the display name on Roblox; may change, as the next two
	Nickname          string
	PreferredUsername string
	Profile           string    // URL of the profile page
	Picture           string    // URL of an avatar image; often empty
	CreatedAt         time.Time // of the account; zero if not told
	IssuedAt          time.Time
	Expiry            time.Time
}

// IDTokenError says why an ID token is refused. It never holds the token.
type IDTokenError struct {
	Claim string // the claim or header member at fault, "signature", or "" for the token as a whole
	Err   error
}

// Error implements error.
func (e *IDTokenError) Error() string {
	if e.Claim == "" {
		return "oauth: ID token: " + e.Err.Error()
	}
	return "oauth: ID token: " + e.Claim + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *IDTokenError) Unwrap() error { return e.Err }

const (
	maxIDToken = 16 << 10
	// clockLeeway is "no more than a few minutes" (RFC 7519 section 4.1.4):
	// desktop clocks are often a minute or two behind, and a token that is
	// refused for it is a user who cannot sign in.
	clockLeeway = 3 * time.Minute
)

// Verifier checks the ID tokens of one provider for one client. It fetches the
// provider's keys when first needed and caches them: for an hour, and for a day
// while the provider does not answer. It is safe for concurrent use.
type Verifier struct {
	issuer, clientID string
	keys             keySet
}

// NewVerifier returns a Verifier. client's Transport fetches the keys; nil
// means one made for it. Redirects are not followed.
func NewVerifier(p Provider, clientID string, client *http.Client) *Verifier {
	return &Verifier{issuer: p.Issuer, clientID: clientID, keys: keySet{url: p.JWKSURL, client: providerClient(client)}}
}

// Verify checks an ID token as OpenID Connect Core 1.0 section 3.1.3.7 asks:
// ES256 with a key of the provider, exact issuer, audience, authorized party,
// times (with three minutes' leeway), and the nonce, which is mandatory.
// accessToken is compared with at_hash where both are there. Errors are
// *IDTokenError.
func (v *Verifier) Verify(ctx context.Context, token Secret, nonce string, accessToken Secret) (*IDToken, error) {
	payload, err := v.payload(ctx, string(token))
	if err != nil {
		return nil, err
	}
	var c claims
	if err := josejson.Unmarshal(payload, &c); err != nil {
		return nil, &IDTokenError{Err: errors.New("its claims are not in the form expected")} // err may quote them
	}
	if err := c.check(v.issuer, v.clientID, nonce, accessToken, time.Now()); err != nil {
		return nil, err
	}
	return c.idToken(), nil
}

// payload returns the signed bytes of a token whose signature holds.
func (v *Verifier) payload(ctx context.Context, token string) ([]byte, error) {
	switch {
	case token == "":
		return nil, &IDTokenError{Err: errors.New("there is none")}
	case len(token) > maxIDToken:
		return nil, &IDTokenError{Err: fmt.Errorf("has %d bytes, more than %d", len(token), maxIDToken)}
	case strings.Count(token, ".") != 2:
		return nil, &IDTokenError{Err: errors.New("is no signed token in compact form")}
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if _, wrongAlg := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); wrongAlg {
		return nil, &IDTokenError{"alg", errors.New("is not ES256")}
	}
	if err != nil {
		return nil, &IDTokenError{Err: errors.New("is no signed token in compact form")} // err may quote it
	}
	header := jws.Signatures[0].Protected
	for _, refused := range []jose.HeaderKey{"crit", "b64", "cty"} {
		if _, ok := header.ExtraHeaders[refused]; ok {
			return nil, &IDTokenError{string(refused), errors.New("is not supported")}
		}
	}
	key, err := v.keys.key(ctx, header.KeyID)
	if err != nil {
		return nil, &IDTokenError{"kid", err}
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, &IDTokenError{"signature", errors.New("is not the provider's")}
	}
	return payload, nil
}

// claims are those of OpenID Connect Core 1.0 sections 2 and 5.1, and Roblox's
// created_at.
type claims struct {
	Issuer            string              `json:"iss"`
	Subject           string              `json:"sub"`
	Audience          jwt.Audience        `json:"aud"`
	AuthorizedParty   *string             `json:"azp"`
	Expiry            *jwt.NumericDate    `json:"exp"`
	NotBefore         *jwt.NumericDate    `json:"nbf"`
	IssuedAt          *jwt.NumericDate    `json:"iat"`
	Nonce             string              `json:"nonce"`
	AccessTokenHash   *string             `json:"at_hash"`
	Name              string              `json:"name"`
	Nickname          string              `json:"nickname"`
	PreferredUsername string              `json:"preferred_username"`
	Profile           string              `json:"profile"`
	Picture           string              `json:"picture"`
	CreatedAt         josejson.RawMessage `json:"created_at"` // not worth failing for
}

func (c *claims) check(issuer, clientID, nonce string, accessToken Secret, now time.Time) error {
	fail := func(claim, format string, args ...any) error {
		return &IDTokenError{claim, fmt.Errorf(format, args...)}
	}
	switch {
	case c.Issuer != issuer:
		return fail("iss", "is %.200q, not %q", c.Issuer, issuer)
	case !slices.Contains(c.Audience, clientID):
		return fail("aud", "does not name this client")
	case len(c.Audience) > 1 && c.AuthorizedParty == nil:
		return fail("azp", "is missing, with several in aud")
	case c.AuthorizedParty != nil && *c.AuthorizedParty != clientID:
		return fail("azp", "is another client")
	case c.Subject == "" || len(c.Subject) > 255:
		return fail("sub", "has %d characters, not 1 to 255", len(c.Subject))
	case c.Expiry == nil:
		return fail("exp", "is missing")
	case !now.Before(c.Expiry.Time().Add(clockLeeway)):
		return fail("exp", "was %s ago; is this machine's clock right?", now.Sub(c.Expiry.Time()).Round(time.Second))
	case c.IssuedAt == nil:
		return fail("iat", "is missing")
	case c.IssuedAt.Time().After(now.Add(clockLeeway)):
		return fail("iat", "is %s ahead; is this machine's clock right?", c.IssuedAt.Time().Sub(now).Round(time.Second))
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(clockLeeway)):
		return fail("nbf", "is %s ahead; is this machine's clock right?", c.NotBefore.Time().Sub(now).Round(time.Second))
	case nonce == "" || subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(nonce)) != 1:
		return fail("nonce", "is not the one of this sign-in")
	case c.AccessTokenHash != nil && accessToken != "" && *c.AccessTokenHash != accessTokenHash(accessToken):
		return fail("at_hash", "is of another access token")
	}
	return nil
}

// accessTokenHash is at_hash of OpenID Connect Core 1.0 section 3.1.3.6.
func accessTokenHash(token Secret) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func (c *claims) idToken() *IDToken {
	t := &IDToken{
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience,
		Name: c.Name, Nickname: c.Nickname, PreferredUsername: c.PreferredUsername,
		Profile: c.Profile, Picture: c.Picture,
		IssuedAt: c.IssuedAt.Time(), Expiry: c.Expiry.Time(),
	}
	var created jwt.NumericDate
	if len(c.CreatedAt) > 0 && created.UnmarshalJSON(c.CreatedAt) == nil {
		t.CreatedAt = created.Time()
	}
	return t
}
