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
	"slices"
	"strconv"
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
	// Header is added to the request; it replaces what the client sets. A header
	// that is empty is an [ErrInvalidArgument], one without values is not sent.
	Header http.Header
	// Body is sent as a form if it is url.Values, in parts if it is a
	// *[Multipart], as it is if it is a [File], and as JSON otherwise. nil is no
	// body.
	Body any
}

// Do calls m and decodes the answer into a new T. If the error is nil the
// result is not. The error is an *[Error], whatever went wrong.
//
// Generated methods are calls of Do; use it directly for an operation that has
// none.
func Do[T any](ctx context.Context, c *Client, m *Method, r Request) (*T, error) {
	v := new(T)
	if err := c.decode(ctx, m, r, v); err != nil {
		return nil, err
	}
	return v, nil
}

// Value is [Do] for answers that are no objects: a list, a text, a number. Of a
// json.RawMessage, an answer that nothing is known of, an empty one is nil.
func Value[T any](ctx context.Context, c *Client, m *Method, r Request) (T, error) {
	v, err := Do[T](ctx, c, m, r)
	if err != nil {
		return *new(T), err
	}
	return *v, nil
}

// Raw calls m and returns the answer's body as it is, for answers that are not
// JSON. The error is an *[Error].
func Raw(ctx context.Context, c *Client, m *Method, r Request) ([]byte, error) {
	a, err := c.answer(ctx, m, r)
	if err != nil {
		return nil, err
	}
	return a.body, nil
}

// DoFunc calls m and has decode make a T of the answer's header and body. If
// the error is nil the result is not. The error is an *[Error], whatever went
// wrong.
func DoFunc[T any](ctx context.Context, c *Client, m *Method, r Request, decode func(http.Header, []byte) (*T, error)) (*T, error) {
	a, err := c.answer(ctx, m, r)
	if err != nil {
		return nil, err
	}
	v, err := decode(a.resp.Header, a.body)
	if err != nil {
		return nil, newError(m, a.resp, a.body, err)
	}
	return v, nil
}

// answer is a response with a 2xx status, and its body, which is closed.
type answer struct {
	resp *http.Response
	body []byte
}

// answer calls m and reads all that is answered. What every call does is in
// functions without type parameters, or it would be compiled for each type anew.
func (c *Client) answer(ctx context.Context, m *Method, r Request) (answer, error) {
	resp, err := c.send(ctx, m, r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := readBody(resp, maxResponse)
	if err != nil {
		return answer{}, newError(m, resp, body, fmt.Errorf("reading the response: %w", err))
	}
	return answer{resp, body}, nil
}

// decode calls m and decodes the answer into what v points to.
func (c *Client) decode(ctx context.Context, m *Method, r Request, v any) error {
	a, err := c.answer(ctx, m, r)
	if err != nil {
		return err
	}
	if err := decodeJSON(a.body, v); err != nil {
		return newError(m, a.resp, a.body, err)
	}
	return nil
}

func decodeJSON(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		if _, undescribed := v.(*json.RawMessage); undescribed {
			return nil
		}
		return errors.New("the response is empty")
	}
	if err := json.Unmarshal(body, v); err != nil {
		return undocumented(err)
	}
	return nil
}

// undocumented is the error of a body that encoding/json refuses, without what
// of the body is in its text.
func undocumented(err error) error {
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		err = errors.New("a time is not of the form of RFC 3339")
	} else if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		t.Value, _, _ = strings.Cut(t.Value, " ") // "number 1.5"
	} else if _, ok := errors.AsType[*strconv.NumError](err); ok || strings.HasPrefix(err.Error(), "json: invalid ") {
		err = errors.New("a number is not of its form")
	}
	return fmt.Errorf("the response is not of the documented form: %w", err)
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
	req, sent, err := c.request(ctx, m, r)
	if err != nil {
		return nil, newError(m, nil, nil, err)
	}
	resp, err := c.do(m, req)
	if err != nil {
		sent.end(true)
		return nil, err
	}
	if sent != nil {
		resp.Body = &answerBody{resp.Body, sent}
	}
	return resp, nil
}

// do is send for a request that was made.
func (c *Client) do(m *Method, req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, newError(m, resp, nil, unquoted(unwrapURL(err))) // with the redirect that was refused
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := readBody(resp, maxErrorBody)
	return nil, newError(m, resp, body, err)
}

// request returns the request of a call, and the files that it sends if there are any.
func (c *Client) request(ctx context.Context, m *Method, r Request) (*http.Request, *files, error) {
	if c.cred == nil && c.options.HTTPClient == nil && (m.Key || m.OAuth) {
		return nil, nil, fmt.Errorf("%w: the client has no credential, set Options.APIKey or Options.Credential or use Client.As", ErrUnauthenticated)
	}
	target, err := c.target(m, r)
	if err != nil {
		return nil, nil, err
	}
	body, err := encodeBody(r.Body)
	if err != nil {
		return nil, nil, err
	}
	req := (&http.Request{
		Method: m.Verb, URL: target, Host: target.Host, Header: maps.Clone(c.header),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(transport.WithMethod(ctx, m))
	sent, err := body.attach(req, c.http.Timeout)
	if err != nil {
		return nil, nil, err
	}
	for name, values := range r.Header {
		if len(values) > 0 && values[0] == "" {
			sent.end(true)
			return nil, nil, invalid("%s must not be empty", name)
		}
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return req, sent, nil
}

// target returns the URL of a call. It is put together and not parsed, which
// would cost more than the rest of the request.
func (c *Client) target(m *Method, r Request) (*url.URL, error) {
	if r.Query.err != nil {
		return nil, r.Query.err
	}
	u, prefix := c.base, c.prefix
	if m.Host != "" && c.official {
		host, err := url.Parse(m.Host)
		if err != nil {
			return nil, unwrapURL(err)
		}
		u, prefix = url.URL{Scheme: host.Scheme, Host: host.Host}, ""
	}
	escaped, err := expand(prefix, m.Path, r.Path)
	if err != nil {
		return nil, err
	}
	if u.Path, err = url.PathUnescape(escaped); err != nil {
		return nil, err
	}
	if u.Path != escaped {
		u.RawPath = escaped
	}
	u.RawQuery = string(r.Query.encoded)
	return &u, nil
}

// readBody reads at most limit bytes of a body; more is an error. It returns
// what it has read in any case.
func readBody(resp *http.Response, limit int) ([]byte, error) {
	size := bytes.MinRead
	if n := resp.ContentLength; n > 0 {
		size = int(min(n, int64(limit), 1<<20)) + 1 // one allocation for what fits, and the end
	}
	for b := make([]byte, 0, size); ; {
		n, err := resp.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return b[:limit], fmt.Errorf("it is longer than %d bytes", limit)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			b = slices.Grow(b, 1)
		}
	}
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
