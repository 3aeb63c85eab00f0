package opencloud_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
)

// What is no HTTP is quoted by net/http's errors, and may be a header or body.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"HTTP/1.1 " + canary + " OK", "HTTP/9." + canary + " 200 OK", "HTTP/1.1 200 OK\r\nContent-Length: " + canary,
		"HTTP/1.1 200 OK\r\nX-Secret " + canary, "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: " + canary,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, answer+"\r\n\r\n")
		}))
		t.Cleanup(server.Close)
		c, err := opencloud.New(opencloud.Options{APIKey: "k", BaseURL: server.URL, Attempts: 1, HTTPClient: ownConnections(t)})
		if err != nil {
			t.Fatal(err)
		}
		err = opencloud.Exec(t.Context(), c, getUser, opencloud.Request{Path: []string{"1"}})
		if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "transport connection broken: ") {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
