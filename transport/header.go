package transport

import (
	"maps"
	"net/http"
	"slices"
)

// WithHeader returns a copy of r in which the header of that name, in canonical
// form, has these values. It is how a RoundTripper adds a header without
// changing its caller's request: the header map is copied, its values are
// shared, and clipped so that an append beneath cannot reach the caller's.
func WithHeader(r *http.Request, name string, values []string) *http.Request {
	r2 := *r
	r2.Header = headerWith(r.Header, name, values)
	return &r2
}

// SendWithHeader sends r through base as [WithHeader] has it. Where base copies
// the request too, as beneath [Stack], it makes one copy for both.
func SendWithHeader(base http.RoundTripper, r *http.Request, name string, values []string) (*http.Response, error) {
	w, ok := base.(wire)
	if !ok {
		return base.RoundTrip(WithHeader(r, name, values))
	}
	own := calm(once(r))
	own.Header = headerWith(r.Header, name, values)
	return w.send(own)
}

func headerWith(h http.Header, name string, values []string) http.Header {
	h2 := maps.Clone(h)
	if h2 == nil {
		h2 = make(http.Header, 1)
	}
	for n, v := range h2 {
		if len(v) < cap(v) {
			h2[n] = slices.Clip(v)
		}
	}
	h2[name] = values
	return h2
}
