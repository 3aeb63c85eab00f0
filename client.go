package opencloud

import (
	"net/http"
	"net/url"

	"github.com/rblx-go/opencloud/transport"
)

// Client sends calls to Open Cloud. The families' clients, such as
// users.Client, are made from one. It is safe for concurrent use.
type Client struct {
	options Options
	// Where calls go: scheme and host, and the escaped path before a method's own.
	base     url.URL
	prefix   string
	official bool        // base is Roblox's, and methods with a host of their own go there
	header   http.Header // of every request, before the call's own
	// What views share: retries, rate limits and origins. Connections are HTTPClient's.
	layers transport.Layers
	wire   http.RoundTripper
	// What As replaces.
	cred transport.Credential
	http *http.Client
}

// New returns a Client. It validates the options, naming the field that is
// wrong, and does not use the network.
func New(o Options) (*Client, error) {
	cred, err := o.credential()
	if err != nil {
		return nil, err
	}
	base, origins, err := o.base()
	if err != nil {
		return nil, err
	}
	agent, err := o.userAgent()
	if err != nil {
		return nil, err
	}
	layers, err := o.layers(origins)
	if err != nil {
		return nil, err
	}
	o.APIKey, o.Credential = "", nil // lives on in cred alone
	c := &Client{
		options:  o,
		base:     url.URL{Scheme: base.Scheme, Host: base.Host},
		prefix:   base.EscapedPath(),
		official: base.String() == defaultBaseURL,
		header:   http.Header{"Accept": {"application/json"}, "User-Agent": {agent}},
		layers:   layers,
	}
	if o.HTTPClient != nil {
		c.wire = o.HTTPClient.Transport
	}
	c.wire = transport.ForUploads(c.wire)
	return c.As(cred), nil
}

// As returns a view of c whose calls carry cred in place of c's credential.
// It shares c's connections, retry allowance and pacing, in which each
// credential has rate limits of its own, and is cheap enough to make per call.
// A nil cred is none.
//
// If Options.HTTPClient brings a credential of its own, every call of a view
// with another one fails.
func (c *Client) As(cred transport.Credential) *Client {
	view := *c
	view.cred = cred
	view.http = c.options.client(cred, c.wire, c.layers)
	return &view
}
