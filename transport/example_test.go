package transport_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// A Retry works beneath any http.Client. Without a Method in the context the
// verb says what may be sent again.
func ExampleRetry() {
	answers := []int{http.StatusServiceUnavailable, http.StatusOK}
	server := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		status := answers[0]
		answers = answers[1:]
		return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
	})
	client := &http.Client{Transport: new(transport.Retry).RoundTripper(server)}
	resp, err := client.Get("https://apis.roblox.com/cloud/v2/users/156") //nolint:noctx // an example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// A Pacer counts requests by the Method in their context.
func ExamplePacer() {
	key := transport.NewAPIKey(os.Getenv("ROBLOX_API_KEY"))
	allowed, err := transport.ParseOrigins("https://apis.roblox.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	})
	client := &http.Client{Transport: new(transport.Pacer).RoundTripper(server, key, allowed)}

	list := &transport.Method{Name: "things.List", KeyLimit: transport.Limit{Max: 2, Per: 365 * 24 * time.Hour}}
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(transport.WithMethod(ctx, list), http.MethodGet, "https://apis.roblox.com/things", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println("not sent:", strings.Contains(err.Error(), "the rate limit of things.List"))
			continue
		}
		fmt.Println(resp.StatusCode)
		resp.Body.Close()
	}
	// Output:
	// 200
	// 200
	// not sent: true
}

// A key that somebody renews while the program runs: what watches the secret
// manager stores it, and each request carries the latest.
func ExampleNewAPIKeySource() {
	var current atomic.Pointer[string]
	first := "key-of-may"
	current.Store(&first)
	cred := transport.NewAPIKeySource("secrets/roblox", func(context.Context) (string, error) {
		return *current.Load(), nil
	})
	fmt.Println(cred.CredentialID())
	// Output: apikey-secrets/roblox
}

// An http.Client of one's own, with the transport that a client of package
// opencloud has by itself: uploads have their own connections.
func ExampleForUploads() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Println(r.Proto, n, err)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	client := &http.Client{Transport: transport.ForUploads(server.Client().Transport)}
	for _, size := range []int{100, 2 << 20} {
		resp, err := client.Post(server.URL, "application/octet-stream", bytes.NewReader(make([]byte, size))) //nolint:noctx // an example
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	// Output:
	// HTTP/2.0 100 <nil>
	// HTTP/1.1 2097152 <nil>
}

// Stack puts the layers in order.
func ExampleStack() {
	allowed, err := transport.ParseOrigins("https://apis.roblox.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport.Stack(nil, transport.Layers{
		Retry:      &transport.Retry{Attempts: 3},
		Pacer:      new(transport.Pacer),
		Credential: transport.NewAPIKey(os.Getenv("ROBLOX_API_KEY")),
		Allowed:    allowed,
	})}
	client.CloseIdleConnections()
}
