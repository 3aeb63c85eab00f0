package opencloud_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

// ownConnections returns an http.Client that shares none: what
// http.DefaultTransport keeps is closed whenever a server of httptest's ends,
// also while an answer without a body is on its way.
func ownConnections(t testing.TB) *http.Client {
	t.Helper()
	own := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(own.CloseIdleConnections)
	return &http.Client{Transport: own}
}

// handlerTransport serves requests as they would look after a network, in process.
type handlerTransport struct {
	handler http.Handler
	hits    *int
}

// RoundTrip writes the request as bytes and reads it again, as a network would
// have it, so that the handler sees what a server sees.
func (h *handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	*h.hits++
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		return nil, err
	}
	received, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, received.WithContext(r.Context()))
	return w.Result(), nil
}
