package opencloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// maxResponse is the most of a response that is read, 64 MiB. The largest that
// is documented, a page of data store entries, is well below.
const maxResponse = 64 << 20

// Request is one call of a [Method].
type Request struct {
	// Path holds the path parameters as they are, in the order of the template.
	Path []string
	// Query holds the query parameters.
	Query Query
	// Header is added to the request; it replaces what the client sets.
	Header http.Header
	// Body is sent as a form if it is url.Values, as JSON otherwise. nil is no body.
	Body any
}

// Do calls m and decodes the answer into a new T. If the error is nil the
// result is not. The error is an *[Error], whatever went wrong.
//
// Generated methods are calls of Do; use it directly for an operation that has
// none.
func Do[T any](ctx context.Context, c *Client, m *Method, r Request) (*T, error) {
	resp, err := c.send(ctx, m, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readBody(resp, maxResponse)
	if err != nil {
		return nil, newError(m, resp, body, fmt.Errorf("reading the response: %w", err))
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, newError(m, resp, body, errors.New("the response is empty"))
	}
	v := new(T)
	if err := json.Unmarshal(body, v); err != nil {
		if _, ok := errors.AsType[*time.ParseError](err); ok {
			err = errors.New("a time is not of the form of RFC 3339") // without the value: it is part of the body
		}
		return nil, newError(m, resp, body, fmt.Errorf("the response is not what %s answers: %w", m.Name, err))
	}
	return v, nil
}

// Exec calls m and ignores what a success answers. The error is an *[Error].
func Exec(ctx context.Context, c *Client, m *Method, r Request) error {
	resp, err := c.send(ctx, m, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// What is read to its end leaves the connection usable; the success stands
	// whether or not that works.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
	return nil
}

// send returns a response with a 2xx status, whose body the caller closes.
func (c *Client) send(ctx context.Context, m *Method, r Request) (*http.Response, error) {
	req, err := c.request(ctx, m, r)
	if err != nil {
		return nil, newError(m, nil, nil, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, newError(m, nil, nil, unwrapURL(err))
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := readBody(resp, maxErrorBody)
	return nil, newError(m, resp, body, err)
}

func (c *Client) request(ctx context.Context, m *Method, r Request) (*http.Request, error) {
	if c.cred == nil && c.options.HTTPClient == nil && (m.Key || m.OAuth) {
		return nil, fmt.Errorf("%w: the client has no credential, set Options.APIKey or Options.Credential or use Client.As", ErrUnauthenticated)
	}
	base := c.base
	if m.Host != "" && base == defaultBaseURL {
		base = m.Host
	}
	target, err := expand(base, m.Path, r.Path)
	if err != nil {
		return nil, err
	}
	if len(r.Query.encoded) > 0 {
		target += "?" + string(r.Query.encoded)
	}
	body, contentType, err := encodeBody(r.Body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(transport.WithMethod(ctx, m), m.Verb, target, body)
	if err != nil {
		return nil, unwrapURL(err)
	}
	maps.Copy(req.Header, c.header)
	if contentType != nil {
		req.Header["Content-Type"] = contentType
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return req, nil
}

// encodeBody returns a nil reader for no body; http.NewRequest knows how to
// rewind the readers that it returns.
func encodeBody(v any) (body io.Reader, contentType []string, err error) {
	switch v := v.(type) {
	case nil:
		return nil, nil, nil
	case url.Values:
		return strings.NewReader(v.Encode()), []string{"application/x-www-form-urlencoded"}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the body: %w", ErrInvalidArgument, err)
	}
	return bytes.NewReader(b), []string{"application/json"}, nil
}

// readBody reads at most limit bytes of a body; more is an error. It returns
// what it has read in any case.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 {
		b.Grow(int(min(n, limit, 1<<20)) + bytes.MinRead) // one allocation for what fits
	}
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if n > limit {
		b.Truncate(int(limit))
		return b.Bytes(), fmt.Errorf("it is longer than %d bytes", limit)
	}
	return b.Bytes(), err
}

// unwrapURL drops the *url.Error that net/http wraps its errors in, because its
// text holds the URL and with it the query.
func unwrapURL(err error) error {
	for {
		u, ok := err.(*url.Error) //nolint:errorlint // only what is outermost is net/http's
		if !ok {
			return err
		}
		err = u.Err
	}
}
