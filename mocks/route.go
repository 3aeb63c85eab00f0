package mocks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/jarcoal/httpmock"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

// route is one operation and the func that answers it.
type route struct {
	method *opencloud.Method
	answer func(context.Context, *call) (any, error)
}

// TB is what of a testing.TB is needed here.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// unset fails for a func that is not set.
func unset(t TB, field string) error {
	if t != nil {
		t.Helper()
		t.Errorf("mocks: %s is called and not set", field)
	}
	return fmt.Errorf("mocks: %s is not set: %w", field, errors.ErrUnsupported)
}

// serve returns a client whose requests the routes answer.
func serve(stand string, routes []route) *opencloud.Client {
	mt := httpmock.NewMockTransport()
	for _, r := range routes {
		register(mt, r.method, func(req *http.Request) (*http.Response, error) {
			c := &call{Request: req, method: r.method}
			result, err := r.answer(req.Context(), c)
			if c.err != nil {
				return nil, fmt.Errorf("mocks: %s: %w", r.method.Name, c.err)
			}
			return response(req, result, err)
		})
	}
	mt.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("mocks: %s has no %s", stand, name(req))
	})
	return client(mt)
}

// client returns a client over the transport. It sends nothing twice and waits
// for no limit: a func is called once per call.
func client(rt http.RoundTripper) *opencloud.Client {
	c, err := opencloud.New(opencloud.Options{APIKey: "mock", Attempts: 1, Unpaced: true, HTTPClient: &http.Client{Transport: reader{rt}}})
	if err != nil {
		panic(err) // the options are valid
	}
	return c
}

// reader reads what the answer did not wait for, as a server does, so that
// uploads make their progress and end.
type reader struct{ http.RoundTripper }

func (t reader) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if req.Body == nil {
		return resp, err
	}
	defer req.Body.Close()
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// register has the responder answer the calls of the method. The request's
// context says whose it is: of two URL patterns that match, such as
// /universes/{id}/x and /universes/all/x, httpmock would only try one.
func register(mt *httpmock.MockTransport, m *opencloud.Method, r httpmock.Responder) {
	ours := func(req *http.Request) bool { return transport.MethodFrom(req.Context()) == m }
	mt.RegisterMatcherResponder(m.Verb, "=~^https://", httpmock.NewMatcher(m.Name+" "+m.Path, ours), r)
}

// template turns a path with parameters into an expression that finds them.
func template(path string) *regexp.Regexp {
	var b strings.Builder
	for i, piece := range regexp.MustCompile(`\{[^}]*\}`).Split(path, -1) {
		if i > 0 {
			b.WriteString(`([^/:?]+)`) // a parameter has no such character that is not encoded
		}
		b.WriteString(regexp.QuoteMeta(piece))
	}
	return regexp.MustCompile(b.String() + `(?:\?|$)`)
}

// name says which call a request is.
func name(req *http.Request) string {
	if m := transport.MethodFrom(req.Context()); m != nil {
		return m.Name
	}
	return req.Method + " " + req.URL.Path
}
