package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/rblx-go/opencloud/transport"
)

// Transport is an http.RoundTripper that sends a grant's access token with
// each request to an allowed origin, on each hop of a redirect, and refreshes
// it in time. Requests to other origins pass without it, and so do requests
// that carry an Authorization header of their own.
//
// It is safe for concurrent use and does not change the caller's requests.
type Transport struct {
	// Grant whose token to send; nil means the one of each request's context,
	// see WithGrant.
	Grant *Grant
	// Base sends the requests; nil means http.DefaultTransport.
	Base http.RoundTripper
	// Origins may be sent the token; none means none.
	Origins transport.Origins
}

// RoundTrip implements http.RoundTripper. If there is no usable token the
// request is not sent.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.Origins.Allows(r.URL) || r.Header["Authorization"] != nil {
		return t.base().RoundTrip(r)
	}
	g, err := t.grant(r.Context())
	var snap *snapshot
	if err == nil {
		snap, err = g.live().usable(r.Context())
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as every RoundTripper must; the error worth telling is the token's
		}
		return nil, transport.Unsent(err)
	}
	resp, err := transport.SendWithHeader(t.base(), r, "Authorization", snap.header())
	if err != nil || !refusesToken(resp) {
		return resp, err
	}
	return t.again(r, resp, g, snap)
}

func (t *Transport) grant(ctx context.Context) (*Grant, error) {
	if t.Grant != nil {
		return t.Grant, nil
	}
	return grantOf(ctx)
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// CredentialID tells whoever is handed this RoundTripper that it has a credential.
func (t *Transport) CredentialID() string {
	if t.Grant == nil {
		return "the grant of each request's context"
	}
	return t.Grant.CredentialID()
}

// CloseIdleConnections forwards to Base, so that http.Client's own works.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// tokenOrigins are those that Grant.Client sends tokens to: Roblox's API if
// Roblox is the provider, the provider's own origin otherwise, and the ones
// that Config adds.
func (a *App) tokenOrigins() (transport.Origins, error) {
	list := []string{"https://apis.roblox.com", "https://thumbnails.roblox.com"}
	if a.config.Provider != nil {
		u, err := url.Parse(a.provider.TokenURL)
		if err != nil {
			return transport.Origins{}, err
		}
		list = []string{u.Scheme + "://" + u.Host}
	}
	return transport.ParseOrigins(append(list, a.config.Origins...)...)
}

func splitScopes(s string) []string { return strings.Fields(s) }
