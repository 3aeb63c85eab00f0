package transport

import (
	"net/http"
	"slices"
)

// WithHeader returns a copy of r in which the header of that name, in canonical
// form, has these values. It is how a RoundTripper adds a header without
// changing its caller's request: the header map is copied, its values are
// shared, and clipped so that an append beneath cannot reach the caller's.
func WithHeader(r *http.Request, name string, values []string) *http.Request {
	r2 := *r
	r2.Header = make(http.Header, len(r.Header)+1)
	for n, v := range r.Header {
		r2.Header[n] = slices.Clip(v)
	}
	r2.Header[name] = values
	return &r2
}
