package transport_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/rblx-go/opencloud/transport"
)

// Uploads go over HTTP/1.1, each on a connection of its own; all else shares
// one of HTTP/2.
func TestForUploads(t *testing.T) {
	t.Parallel()
	type arrival struct {
		proto, from string
		length      int
	}
	var arrived []arrival
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived = append(arrived, arrival{r.Proto, r.RemoteAddr, len(body)})
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client := &http.Client{Transport: transport.ForUploads(server.Client().Transport)}
	const large = 1 << 20
	bodies := []io.Reader{
		nil,
		strings.NewReader(strings.Repeat("x", large)),
		strings.NewReader("small"),
		io.LimitReader(strings.NewReader("of unknown length"), 5),
		strings.NewReader(strings.Repeat("x", large)),
		nil,
	}
	for _, body := range bodies {
		ctx := transport.WithMethod(t.Context(), classed(transport.Idempotent))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	connections := map[string]int{}
	for i, want := range []struct {
		proto  string
		length int
	}{{"HTTP/2.0", 0}, {"HTTP/1.1", large}, {"HTTP/2.0", 5}, {"HTTP/1.1", 5}, {"HTTP/1.1", large}, {"HTTP/2.0", 0}} {
		if got := arrived[i]; got.proto != want.proto || got.length != want.length {
			t.Errorf("request %d: %+v, want %+v", i, got, want)
		}
		connections[arrived[i].from]++
	}
	if len(connections) != 4 {
		t.Errorf("used %d connections, want one for all but the uploads and three for those", len(connections))
	}
}

// Over HTTP/2 net/http sends a request without a body again when the server says
// PROTOCOL_ERROR. One that must not be executed twice arrives once.
func TestForUploadsSendsUnsafeOnce(t *testing.T) {
	t.Parallel()
	plain := func(rt http.RoundTripper) http.RoundTripper { return rt }
	for _, tt := range []struct {
		name  string
		wrap  func(http.RoundTripper) http.RoundTripper
		class transport.Class
		key   string
		body  io.Reader
		sent  int64
		proto int
	}{
		{"unprotected", plain, transport.Unsafe, "", nil, 2, 2}, // or there would be nothing to test
		{"unsafe", transport.ForUploads, transport.Unsafe, "", nil, 1, 1},
		{"empty", transport.ForUploads, transport.Unsafe, "", http.NoBody, 1, 1},
		{"by key, without", transport.ForUploads, transport.IdempotentByKey, "", nil, 1, 1},
		{"with a body", transport.ForUploads, transport.Unsafe, "", strings.NewReader("x"), 1, 2},
		{"by key", transport.ForUploads, transport.IdempotentByKey, "k", nil, 2, 2},
		{"safe", transport.ForUploads, transport.Safe, "", nil, 2, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, enough := context.WithCancel(transport.WithMethod(t.Context(), classed(tt.class)))
			defer enough()
			server, client := serveTLS(t, func(f *http2.Framer, id uint32, sent int64) {
				if sent == 2 {
					enough() // net/http would go on
				}
				_ = f.WriteRSTStream(id, http2.ErrCodeProtocol)
			})
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.url, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if tt.key != "" {
				req.Header.Set("X-Idempotency-Key", tt.key)
			}
			resp, err := transport.Stack(tt.wrap(client), transport.Layers{Retry: new(transport.Retry)}).RoundTrip(req)
			if (err == nil) != (tt.proto == 1) || err == nil && resp.ProtoMajor != 1 {
				t.Errorf("%v, %v", resp, err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			if sent := server.sent.Load(); sent != tt.sent {
				t.Errorf("%d requests arrived, want %d", sent, tt.sent)
			}
		})
	}
}

func TestForUploadsLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	s := &script{outcomes: []any{200}}
	resp, err := transport.ForUploads(s).RoundTrip(post(t.Context(), t, classed(transport.Unsafe), io.LimitReader(strings.NewReader("x"), 1)))
	if err != nil || s.sent != 1 {
		t.Fatalf("%v, sent %d", err, s.sent)
	}
	resp.Body.Close()
}
