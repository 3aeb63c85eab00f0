package oauth

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/transport"
)

// TokenSource returns the grant as an oauth2.TokenSource whose waits end with
// ctx. Use it as it is: a cache around it, oauth2.ReuseTokenSource or an
// http.Client of oauth2.NewClient, which has one, would serve tokens that this
// package knows to be revoked or refused. [Grant.Client] needs none.
func (g *Grant) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource{ctx, g}
}

type tokenSource struct {
	ctx   context.Context
	grant *Grant
}

// Token implements oauth2.TokenSource.
func (s tokenSource) Token() (*oauth2.Token, error) { return s.grant.Token(s.ctx) }

// CredentialFrom makes a credential for opencloud's Client.As of tokens that
// come from elsewhere. id tells credentials apart and is no secret. It sends
// tokens to allowed origins only, but refreshes, stores and rotates nothing:
// that is source's business.
func CredentialFrom(id string, source oauth2.TokenSource) transport.Credential {
	return &foreignCredential{id, source}
}

type foreignCredential struct {
	id     string
	source oauth2.TokenSource
}

// CredentialID implements transport.Credential.
func (c *foreignCredential) CredentialID() string { return c.id }

// RoundTripper implements transport.Credential.
func (c *foreignCredential) RoundTripper(base http.RoundTripper, allowed transport.Origins) http.RoundTripper {
	return &foreignTransport{c.source, base, allowed}
}

type foreignTransport struct {
	source  oauth2.TokenSource
	base    http.RoundTripper
	allowed transport.Origins
}

// RoundTrip implements http.RoundTripper.
func (t *foreignTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.allowed.Allows(r.URL) {
		return t.base.RoundTrip(r)
	}
	token, err := t.source.Token()
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as every RoundTripper must
		}
		return nil, err
	}
	return transport.SendWithHeader(t.base, r, "Authorization", []string{token.Type() + " " + token.AccessToken})
}
