package transport_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
)

// hostile is a server that does as it likes with a connection, once it has read
// a request from it.
type hostile struct {
	url  string
	sent atomic.Int64 // requests that arrived
	keys atomic.Int64 // of them, with an API key
}

// serve answers each request with answer, until it closes the connection.
func serve(t *testing.T, answer func(net.Conn, *http.Request)) *hostile {
	t.Helper()
	h := new(hostile)
	h.listen(t, func(conn net.Conn) { h.http1(conn, answer) })
	return h
}

func (h *hostile) http1(conn net.Conn, answer func(net.Conn, *http.Request)) {
	for in := bufio.NewReader(conn); ; {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		h.sent.Add(1)
		if req.Header.Get("X-Api-Key") != "" {
			h.keys.Add(1)
		}
		answer(conn, req)
	}
}

// serveHTTP2 answers each stream, once its request is complete, with answer.
func serveHTTP2(t *testing.T, answer func(*http2.Framer, uint32)) *hostile {
	t.Helper()
	h := new(hostile)
	h.listen(t, func(conn net.Conn) {
		h.http2(conn, func(f *http2.Framer, id uint32, _ int64) { answer(f, id) })
	})
	return h
}

// http2 tells answer how many requests have arrived.
func (h *hostile) http2(conn net.Conn, answer func(f *http2.Framer, id uint32, sent int64)) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	if framer.WriteSettings() != nil {
		return
	}
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if f.Header().Flags.Has(http2.FlagDataEndStream) && f.Header().StreamID != 0 {
			answer(framer, f.Header().StreamID, h.sent.Add(1))
		}
	}
}

// serveTLS is serveHTTP2 for clients that prefer it, as servers are that answer
// over HTTP/1.1 too, here with 200. It returns a client's transport as well.
func serveTLS(t *testing.T, answer func(f *http2.Framer, id uint32, sent int64)) (*hostile, *http.Transport) {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // for its certificate alone
	certified.Close()
	config := &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
	h := new(hostile)
	h.listen(t, func(plain net.Conn) {
		conn := tls.Server(plain, config)
		if conn.HandshakeContext(t.Context()) != nil {
			return
		}
		if conn.ConnectionState().NegotiatedProtocol == "h2" {
			h.http2(conn, answer)
			return
		}
		h.http1(conn, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, reply(200, "")) })
	})
	h.url = "https" + strings.TrimPrefix(h.url, "http")
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	client := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(client.CloseIdleConnections)
	return h, client
}

func (h *hostile) listen(t *testing.T, handle func(net.Conn)) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + listener.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			stop := make(chan struct{})
			go func() {
				defer close(stop)
				handle(conn)
				_ = conn.Close()
			}()
			t.Cleanup(func() {
				_ = conn.Close()
				<-stop
			})
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
}

// reset ends the connection with a RST.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}
