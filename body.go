package opencloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// payload is an encoded request body: bytes and readers in turn.
type payload struct {
	contentType string
	pieces      []any // []byte or io.Reader
}

// encodeBody encodes what a Request holds; nil is no body.
func encodeBody(v any) (*payload, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // no body is no error
	case url.Values:
		return &payload{"application/x-www-form-urlencoded", []any{[]byte(v.Encode())}}, nil
	case *Multipart:
		return v.encode()
	case File:
		if v.Content == nil {
			return nil, invalid("the file has no Content")
		}
		return &payload{v.contentType(), []any{v.content()}}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: the body: %w", ErrInvalidArgument, err)
	}
	return &payload{"application/json", []any{b}}, nil
}

// attach makes p the body of req: with its length where that is known, and so
// that it can be sent again where all of it can be read again. If it has files
// they are returned. The timeout is http.Client's.
func (p *payload) attach(req *http.Request, timeout time.Duration) (*files, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // no body is no error
	}
	req.Header["Content-Type"] = []string{p.contentType}
	length, repeatable, hasFiles := int64(0), true, false
	var rewinds []func() error
	for _, piece := range p.pieces {
		switch piece := piece.(type) {
		case []byte:
			length += int64(len(piece))
		case io.Reader:
			hasFiles = true
			n, rewind, err := rest(piece)
			if err != nil {
				return nil, err
			}
			if rewind == nil {
				repeatable = false
				continue
			}
			length, rewinds = length+n, append(rewinds, rewind)
		}
	}
	if repeatable && length == 0 { // which net/http takes for unknown in all but this body
		req.Body = http.NoBody
		req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		return nil, nil //nolint:nilnil // there is nothing in them to read
	}
	req.ContentLength = -1
	if repeatable {
		req.ContentLength = length
	}
	if !hasFiles {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(p.reader()), nil }
		req.Body, _ = req.GetBody() // cannot fail
		return nil, nil             //nolint:nilnil // there are none
	}
	f := newFiles(req.Context(), p, rewinds, timeout)
	req.Body = f.next()
	if repeatable {
		req.GetBody = f.again
	}
	return f, nil
}

// reader returns all of p.
func (p *payload) reader() io.Reader {
	readers := make([]io.Reader, 0, len(p.pieces))
	for _, piece := range p.pieces {
		switch piece := piece.(type) {
		case []byte:
			readers = append(readers, bytes.NewReader(piece))
		case io.Reader:
			readers = append(readers, piece)
		}
	}
	if len(readers) == 1 {
		return readers[0]
	}
	return io.MultiReader(readers...)
}
