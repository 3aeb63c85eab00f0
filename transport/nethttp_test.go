package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/rblx-go/opencloud/transport"
)

// Layers without a Retry send once: over HTTP/2 net/http would send the body
// again, thousands of times a second, while the server says PROTOCOL_ERROR.
func TestOneAttemptIsOneRequest(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]transport.Layers{
		"none":         {},
		"retry":        {Retry: new(transport.Retry)},
		"a credential": {Credential: transport.NewAPIKey(canary), Allowed: homeOrigins(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, enough := context.WithCancel(t.Context())
			defer enough()
			server, client := serveTLS(t, func(f *http2.Framer, id uint32, sent int64) {
				if sent == 2 {
					enough() // net/http would go on
				}
				_ = f.WriteRSTStream(id, http2.ErrCodeProtocol)
			})
			req, err := http.NewRequestWithContext(transport.WithMethod(ctx, classed(transport.Unsafe)), http.MethodPost, server.url, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = transport.Stack(transport.ForUploads(client), l).RoundTrip(req) //nolint:bodyclose // there is none
			if sent := server.sent.Load(); err == nil || ctx.Err() != nil || sent != 1 {
				t.Errorf("%d requests arrived, %v", sent, err)
			}
		})
	}
}

// A GET may be unsafe, as the reading of a queue is. net/http would send it again
// when the connection that it was sent on dies.
func TestUnsafeGetIsSentOnceOverADyingConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		class transport.Class
		sent  int64
	}{{transport.Unsafe, 2}, {transport.Safe, 3}} {
		server := serve(t, func(conn net.Conn, r *http.Request) {
			if r.URL.Path == "/well" {
				_, _ = conn.Write([]byte(reply(200, "{}")))
				return
			}
			_ = conn.Close()
		})
		base := new(http.Transport)
		defer base.CloseIdleConnections()
		rt := transport.Stack(transport.ForUploads(base), transport.Layers{})
		for _, path := range []string{"/well", "/dying"} {
			req, err := http.NewRequestWithContext(transport.WithMethod(t.Context(), classed(tt.class)), http.MethodGet, server.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rt.RoundTrip(req)
			if (err == nil) != (path == "/well") {
				t.Errorf("class %d, %s: %v", tt.class, path, err)
			}
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
				_ = resp.Body.Close()
			}
		}
		if sent := server.sent.Load(); sent != tt.sent {
			t.Errorf("class %d: %d requests arrived, want %d", tt.class, sent, tt.sent)
		}
	}
}
