package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

var errNoGetBody = errors.New("transport: the request has a body and no GetBody")

// attempt is the outcome of one.
type attempt struct {
	resp *http.Response
	err  error
}

// mayRepeat reports whether the outcome is one that passes, and r may be sent
// again after it.
func (a attempt) mayRepeat(r *http.Request) bool {
	if r.Context().Err() != nil || NotSent(a.err) {
		return false
	}
	if a.limited() || a.unconnected() {
		return true
	}
	return a.transient() && repeatable(r)
}

// limited reports whether the request was refused for coming too soon, which
// is decided before it is executed (RFC 6585 section 4).
func (a attempt) limited() bool {
	return a.resp != nil && a.resp.StatusCode == http.StatusTooManyRequests
}

// unconnected reports whether there was no connection to send on, or none that
// took the request: HTTP/2 says of a stream that it was not processed (RFC 9113
// section 8.7).
func (a attempt) unconnected() bool {
	if a.err == nil || a.permanent() {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](a.err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	text := a.err.Error()
	return strings.HasPrefix(text, "http2: Transport: cannot retry err [") &&
		(strings.Contains(text, "; REFUSED_STREAM") || strings.Contains(text, "graceful shutdown GOAWAY"))
}

func (a attempt) transient() bool {
	if a.resp == nil {
		return !a.permanent()
	}
	switch s := a.resp.StatusCode; s {
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	default:
		return s == http.StatusRequestTimeout || s >= http.StatusInternalServerError
	}
}

// permanent reports whether a failure would be the same the next time.
func (a attempt) permanent() bool {
	if dns, ok := errors.AsType[*net.DNSError](a.err); ok && dns.IsNotFound {
		return true
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](a.err)
	return untrusted || strings.HasPrefix(a.err.Error(), "net/http: invalid ")
}

// repeatable reports whether it does no harm if r was executed before.
func repeatable(r *http.Request) bool {
	if m := MethodFrom(r.Context()); m != nil {
		return m.Class == Safe || m.Class == Idempotent || m.Class == IdempotentByKey && hasKey(r)
	}
	switch r.Method { // RFC 9110 section 9.2.2
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// hasKey reports whether r carries an idempotency key, in the header or the
// query parameter that Roblox takes one in.
func hasKey(r *http.Request) bool {
	return r.Header.Get("X-Idempotency-Key") != "" || r.URL.Query().Get("idempotencyKey.key") != ""
}

// maxHeld is the most of an answer's body that is kept while its request is
// tried again. Errors are shorter.
const maxHeld = 64 << 10

// hold reads the body into memory, so that the connection is free for others
// in the meantime. A body that takes its time is cut off.
func (a attempt) hold() {
	if a.resp == nil {
		return
	}
	body := a.resp.Body
	slow := time.AfterFunc(time.Second, func() { _ = body.Close() })
	read, _ := io.ReadAll(io.LimitReader(body, maxHeld)) // what there is
	slow.Stop()
	_ = body.Close()
	a.resp.Body = io.NopCloser(bytes.NewReader(read))
}

func (a attempt) close() {
	if a.resp != nil {
		_ = a.resp.Body.Close() // nobody will read it
	}
}
