package opencloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/rblx-go/opencloud/transport"
)

// Content is a download in progress. The caller closes it. Reading it ends with
// the context of the call that returned it.
type Content struct {
	// Type is what the server says it is, "application/octet-stream"; it may be
	// empty.
	Type string
	// Length is how many bytes it has in all, -1 if the server does not say.
	Length int64

	method *Method
	resp   *http.Response
	read   int64
}

// Read implements io.Reader. Content that ends too early is an error that wraps
// io.ErrUnexpectedEOF, never io.EOF; every other error than that is an *[Error].
func (c *Content) Read(p []byte) (int, error) {
	n, err := c.resp.Body.Read(p)
	c.read += int64(n)
	if errors.Is(err, io.EOF) && c.resp.ContentLength >= 0 && c.read != c.resp.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = newError(c.method, c.resp, nil, fmt.Errorf("reading the content, after %d bytes: %w", c.read, err))
	}
	return n, err
}

// Close implements io.Closer. Content that was not read to its end costs its
// connection.
func (c *Content) Close() error { return c.resp.Body.Close() }

// Download calls m, which answers with a file or redirects to one, and returns
// the file as it comes: nothing of it is held in memory, and it may have any
// length. The client's credential is not sent to other origins that a redirect
// leads to. The error is an *[Error].
func Download(ctx context.Context, c *Client, m *Method, r Request) (*Content, error) {
	header := http.Header{"Accept": {"*/*"}}
	for name, values := range r.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header = header
	resp, err := c.send(ctx, m, r) //nolint:bodyclose // Content.Close does
	if err != nil {
		return nil, err
	}
	return newContent(m, resp), nil
}

func newContent(m *Method, resp *http.Response) *Content {
	return &Content{Type: resp.Header.Get("Content-Type"), Length: resp.ContentLength, method: m, resp: resp}
}

// Fetch returns the file at a location that a call has answered with, such as
// assets.Client's GetAssetLocation, like [Download]. It sends the location no
// credential. Such a URL is a secret itself: no error holds it. It is https, or
// plain http on a loopback host. The error is an *[Error].
func Fetch(ctx context.Context, c *Client, location string) (*Content, error) {
	m := &Method{Name: "opencloud.Fetch", Verb: http.MethodGet, Class: transport.Safe}
	u, err := url.Parse(location)
	switch {
	case err != nil || u.Host == "":
		err = invalid("the location is not an absolute URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !transport.IsLoopback(u.Hostname())):
		err = invalid("the location is not https")
	case c.options.authenticatesEverywhere() || c.options.authenticates() && c.layers.Allowed.Allows(u):
		err = invalid("Options.HTTPClient would send its credential to the location, use a client without one")
	}
	if err != nil {
		return nil, newError(m, nil, nil, err)
	}
	req, err := http.NewRequestWithContext(transport.WithMethod(ctx, m), m.Verb, location, nil)
	if err != nil {
		return nil, newError(m, nil, nil, invalid("the location is not a URL"))
	}
	maps.Copy(req.Header, c.header)
	req.Header["Accept"] = []string{"*/*"}
	resp, err := c.As(nil).do(m, req) //nolint:bodyclose // Content.Close does
	if err != nil {
		return nil, err
	}
	return newContent(m, resp), nil
}
