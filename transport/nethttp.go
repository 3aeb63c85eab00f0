package transport

import (
	"context"
	"net/http"
	"net/http/httptrace"
)

// What net/http sends again by itself, beneath all that is said of attempts here.

// once keeps net/http from sending the body of an unsafe request again. It does
// so by itself when HTTP/2 fails with PROTOCOL_ERROR, which says nothing of
// what was executed. Without GetBody it leaves the decision to unconnected,
// which only has the text of the error to go by. What has no body net/http sends
// again whatever is said here; ForUploads has a way around.
func once(r *http.Request) *http.Request {
	if r.GetBody == nil || repeatable(r) {
		return r
	}
	r2 := *r
	r2.GetBody = nil
	return &r2
}

// resent reports whether r is unsafe, and net/http would send it again by itself
// over HTTP/2 because it has no body.
func resent(r *http.Request) bool { return bare(r) && !repeatable(r) }

func bare(r *http.Request) bool { return r.Body == nil || r.Body == http.NoBody }

// calm returns a copy of r that slows net/http down, which asks for a new
// connection and sends again, thousands of times a second, as long as an HTTP/2
// server answers GOAWAY or PROTOCOL_ERROR. The first time is for connections
// that went stale.
func calm(r *http.Request) *http.Request {
	ctx := r.Context()
	c := &calmed{ctx: ctx}
	c.trace.GetConn = c.getConn
	return r.WithContext(httptrace.WithClientTrace(ctx, &c.trace))
}

// calmed is a request and how many connections were asked for it.
type calmed struct {
	ctx         context.Context //nolint:containedctx // the hook is not told
	trace       httptrace.ClientTrace
	connections int
}

func (c *calmed) getConn(string) {
	if c.connections++; c.connections > 2 {
		sleep(c.ctx, backoff(c.connections))
	}
}
