package emulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"syscall"
)

// Transport answers in process, whatever host a request names, without a port
// and without a socket. A request that its caller gives up is answered with
// the context's error at once and still takes effect, as it would over a wire.
func (e *Emulator) Transport() http.RoundTripper { return inProcess{e} }

type inProcess struct{ e *Emulator }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(r.Body, maxBody))
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RemoteAddr, in.RequestURI = "127.0.0.1:0", r.URL.RequestURI()
	in.Host = orDefault(in.Host, r.URL.Host)
	type outcome struct {
		a   *answer
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		a, err := t.e.handle(in, body)
		done <- outcome{a, err}
	}()
	select {
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	case o := <-done:
		switch {
		case o.err == nil:
			return o.a.response(r), nil
		case errors.Is(o.err, errReset):
			return nil, syscall.ECONNRESET
		default:
			return nil, io.EOF
		}
	}
}

// response turns the answer into what a client of Transport reads.
func (a *answer) response(r *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	header := a.header.Clone()
	header.Set("Content-Length", strconv.Itoa(a.body.Len()))
	var body io.Reader = bytes.NewReader(a.sent())
	switch {
	case a.cut:
		body = io.MultiReader(body, failing{io.ErrUnexpectedEOF})
	case a.stall:
		body = io.MultiReader(body, stalled{r.Context()})
	}
	if r.Method == http.MethodHead {
		body = http.NoBody
	}
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(body), ContentLength: int64(a.body.Len()), Request: r,
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}
