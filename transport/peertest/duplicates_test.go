package peertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/rblx-go/opencloud"
)

// flaky executes payments, and fails in the ways of a gateway: of ten requests
// it executes one and answers 502, executes one and resets the connection,
// refuses one with 429 and one with 503. It counts what it executed.
type flaky struct {
	mu       sync.Mutex
	n        int
	executed map[string]int
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.n++
	fate := f.n % 10
	if fate > 2 {
		f.executed[string(id)]++
	}
	f.mu.Unlock()
	switch fate {
	case 1:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	case 2:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 3:
		w.WriteHeader(http.StatusBadGateway)
	case 4:
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	default:
		_, _ = io.WriteString(w, "{}")
	}
}

// duplicates sends payments one after the other and returns how many were
// executed twice, and how many of those that did not succeed were executed.
func duplicates(t *testing.T, send func(ctx context.Context, url, id string) error) (twice, succeeded int) {
	t.Helper()
	const payments = 300
	f := &flaky{executed: make(map[string]int)}
	server := httptest.NewServer(f)
	defer server.Close()
	for i := range payments {
		if send(t.Context(), server.URL, fmt.Sprintf(`"payment %d"`, i)) == nil {
			succeeded++
		}
	}
	for _, n := range f.executed {
		if n > 1 {
			twice++
		}
	}
	return twice, succeeded
}

// The same payments through a client that sends everything again, and through
// ours, which tells the caller instead what it does not know.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	everything := retryablehttp.NewClient()
	everything.Logger, everything.RetryWaitMin, everything.RetryWaitMax = nil, time.Millisecond, time.Millisecond
	theirs, paid := duplicates(t, func(ctx context.Context, url, id string) error {
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, url+"/pay", strings.NewReader(id))
		if err != nil {
			return err
		}
		resp, err := everything.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	})
	t.Logf("go-retryablehttp: %d of 300 calls succeeded, %d payments were executed more than once", paid, theirs)
	if theirs == 0 {
		t.Error("the server leads nobody astray")
	}

	pay := &opencloud.Method{Name: "shop.Pay", Verb: http.MethodPost, Path: "/pay"}
	ours, paid := duplicates(t, func(ctx context.Context, url, id string) error {
		c, err := opencloud.New(opencloud.Options{BaseURL: url})
		if err != nil {
			return err
		}
		return opencloud.Exec(ctx, c, pay, opencloud.Request{Body: strings.Trim(id, `"`)})
	})
	t.Logf("opencloud: %d of 300 calls succeeded, %d payments were executed more than once", paid, ours)
	if ours != 0 {
		t.Errorf("%d payments were executed more than once", ours)
	}
}
