package transport

import (
	"crypto/tls"
	"net/http"
)

// largeBody is the size from which on a request is an upload, as is one of
// unknown length.
const largeBody = 1 << 20

// ForUploads returns a RoundTripper that sends uploads, requests with bodies of
// a mebibyte or more, or of unknown length, over HTTP/1.1 and a connection of
// their own, and all else through base. Gateways drop connections that were
// idle, which costs an upload everything sent so far, and an HTTP/2 connection
// takes all the requests that share it with it when it fails.
//
// So go requests that must not be executed twice and have no body: over HTTP/2
// net/http sends them again by itself after an error that does not say whether
// they were executed.
//
// The connection is made as base makes them, if base is nil or an
// *http.Transport. Any other base gets all requests.
func ForUploads(base http.RoundTripper) http.RoundTripper {
	shared, ok := orDefault(base).(*http.Transport)
	if !ok {
		return base
	}
	own := shared.Clone()
	own.DisableKeepAlives = true
	own.ForceAttemptHTTP2 = false
	own.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if own.TLSClientConfig == nil {
		own.TLSClientConfig = new(tls.Config)
	}
	own.TLSClientConfig.NextProtos = []string{"http/1.1"} // shared's has h2, once it was used
	own.Protocols = new(http.Protocols)
	own.Protocols.SetHTTP1(true)
	return &uploadTransport{shared, own}
}

type uploadTransport struct{ base, own http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t *uploadTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if resent(r) || !bare(r) && (r.ContentLength >= largeBody || r.ContentLength <= 0) {
		return t.own.RoundTrip(r)
	}
	return t.base.RoundTrip(r)
}

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *uploadTransport) CloseIdleConnections() { closeIdle(t.base) }
