package oauth

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/rblx-go/opencloud/transport"
)

// Provider is an authorization server: its issuer and its endpoints. Roblox
// returns Roblox's, Discover any other's.
type Provider struct {
	Issuer           string // exact, with its trailing slash if it has one
	AuthorizationURL string
	TokenURL         string
	JWKSURL          string
	UserInfoURL      string // "" if the provider has none, as for the next three
	IntrospectionURL string
	RevocationURL    string
	ResourcesURL     string

	// BasicAuth sends the client secret in the Authorization header instead of
	// the form, for providers that take it nowhere else (RFC 6749 section 2.3.1).
	BasicAuth bool
	// NamesIssuer says that every callback carries iss (RFC 9207); one without
	// it is refused. Where iss is present it must match either way.
	NamesIssuer bool
}

const robloxIssuer = "https://apis.roblox.com/oauth/"

// Roblox returns the endpoints of Roblox
// (https://create.roblox.com/docs/cloud/auth/oauth2-reference).
func Roblox() Provider {
	const v1 = robloxIssuer + "v1/"
	return Provider{
		Issuer:           robloxIssuer,
		AuthorizationURL: v1 + "authorize",
		TokenURL:         v1 + "token",
		JWKSURL:          v1 + "certs",
		UserInfoURL:      v1 + "userinfo",
		IntrospectionURL: v1 + "token/introspect",
		RevocationURL:    v1 + "token/revoke",
		ResourcesURL:     v1 + "token/resources",
	}
}

// check names the first field that is missing or no URL to trust.
func (p Provider) check() error {
	for _, f := range []struct {
		name, url string
		required  bool
	}{
		{"Issuer", p.Issuer, true},
		{"AuthorizationURL", p.AuthorizationURL, true},
		{"TokenURL", p.TokenURL, true},
		{"JWKSURL", p.JWKSURL, true},
		{"UserInfoURL", p.UserInfoURL, false},
		{"IntrospectionURL", p.IntrospectionURL, false},
		{"RevocationURL", p.RevocationURL, false},
		{"ResourcesURL", p.ResourcesURL, false},
	} {
		if f.url == "" && !f.required {
			continue
		}
		if _, err := parseEndpoint(f.url); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// parseEndpoint accepts absolute https URLs, and http ones on loopback.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return nil, errors.New("is empty")
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return nil, fmt.Errorf("%.200q is no absolute URL", s)
	case u.User != nil:
		return nil, errors.New("holds a user name or password")
	case strings.Contains(s, "#"):
		return nil, fmt.Errorf("%.200q has a fragment", s)
	case u.Scheme == "https", u.Scheme == "http" && transport.IsLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("%.200q is not https; only localhost, 127.0.0.1 and [::1] may be http", s)
}

// origin returns scheme, host and port in one spelling (RFC 6454 section 4).
func origin(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
