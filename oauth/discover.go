package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	maxDocument  = 1 << 20
	fetchTimeout = 10 * time.Second
)

// Discover reads a provider's metadata (OpenID Connect Discovery 1.0). issuer
// is compared to the letter, trailing slash included, and every endpoint must
// be on its origin. Roblox's own issuer makes no request: its endpoints are
// compiled in.
//
// As in golang.org/x/oauth2, the client that ctx carries under
// oauth2.HTTPClient is used where there is one. Redirects are not followed.
// Errors name the member of the document that is wrong.
func Discover(ctx context.Context, issuer string) (*Provider, error) {
	if issuer == robloxIssuer {
		p := Roblox()
		return &p, nil
	}
	base, err := parseEndpoint(issuer)
	if err == nil && strings.Contains(issuer, "?") {
		err = fmt.Errorf("%.200q has a query", issuer)
	}
	if err != nil {
		return nil, fmt.Errorf("oauth: Discover: issuer: %w", err)
	}
	given, _ := ctx.Value(oauth2.HTTPClient).(*http.Client)
	client := providerClient(given)
	if given == nil {
		defer client.CloseIdleConnections()
	}
	body, err := fetchDocument(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, fmt.Errorf("oauth: Discover: %w", err)
	}
	var doc metadata
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("oauth: Discover: the discovery document: %w", err)
	}
	if doc.Issuer != issuer {
		return nil, fmt.Errorf("oauth: Discover: issuer: the document says %.200q, not %q", doc.Issuer, issuer)
	}
	for _, e := range doc.endpoints() {
		if e.url == "" && !e.required {
			continue
		}
		u, err := parseEndpoint(e.url)
		if err == nil && origin(u) != origin(base) {
			err = fmt.Errorf("%.200q is not on the issuer's origin, %s", e.url, origin(base))
		}
		if err != nil {
			return nil, fmt.Errorf("oauth: Discover: %s: %w", e.member, err)
		}
	}
	return doc.provider(), nil
}

// metadata is what is used of a discovery document. PKCE is not read from it:
// it is always sent, and Roblox's own document does not mention it.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	Resources     string   `json:"resources_endpoint"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
}

type endpoint struct {
	member, url string
	required    bool
}

func (m *metadata) endpoints() []endpoint {
	return []endpoint{
		{"authorization_endpoint", m.Authorization, true},
		{"token_endpoint", m.Token, true},
		{"jwks_uri", m.JWKS, true},
		{"userinfo_endpoint", m.UserInfo, false},
		{"introspection_endpoint", m.Introspection, false},
		{"revocation_endpoint", m.Revocation, false},
		{"resources_endpoint", m.Resources, false},
	}
}

func (m *metadata) provider() *Provider {
	return &Provider{
		Issuer:           m.Issuer,
		AuthorizationURL: m.Authorization,
		TokenURL:         m.Token,
		JWKSURL:          m.JWKS,
		UserInfoURL:      m.UserInfo,
		IntrospectionURL: m.Introspection,
		RevocationURL:    m.Revocation,
		ResourcesURL:     m.Resources,
		// A document without the list means client_secret_basic alone
		// (OpenID Connect Discovery 1.0 section 3).
		BasicAuth:   !slices.Contains(m.AuthMethods, "client_secret_post"),
		NamesIssuer: m.NamesIssuer,
	}
}

// fetchDocument gets a public JSON document of the provider.
func fetchDocument(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s answered %d", url, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("GET %s answered more than %d bytes", url, maxDocument)
	}
	return body, nil
}
