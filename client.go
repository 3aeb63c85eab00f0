package opencloud

import (
	"net/http"

	"github.com/rblx-go/opencloud/transport"
)

// Client sends calls to Open Cloud. The families' clients, such as
// users.Client, are made from one. It is safe for concurrent use.
type Client struct {
	options Options
	base    string
	origins transport.Origins
	header  http.Header // of every request, before the call's own
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
	o.APIKey, o.Credential = "", nil // lives on in cred alone
	return &Client{
		options: o,
		base:    base,
		origins: origins,
		header:  http.Header{"Accept": {"application/json"}, "User-Agent": {agent}},
		cred:    cred,
		http:    o.client(cred, origins),
	}, nil
}

// As returns a view of c whose calls carry cred in place of c's credential.
// It shares c's connections and is cheap enough to make per call. A nil cred
// is none.
func (c *Client) As(cred transport.Credential) *Client {
	view := *c
	view.cred = cred
	view.http = c.options.client(cred, c.origins)
	return &view
}
