package transport_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

var update = flag.Bool("update", false, "write FAULTS.md anew")

// A fault is what a server does to every request, and the time a caller gives it.
type fault struct {
	name    string
	server  func(*testing.T) *hostile
	timeout time.Duration // 0: as long as it takes
	// most is how many requests net/http may make of a safe call by itself, in a
	// number that varies. It does so until the timeout; unsafe calls have none then.
	most int64
}

// answers returns a server that writes these bytes and leaves the connection
// to then, which closes it if it is nil.
func answers(raw string, then func(net.Conn)) func(*testing.T) *hostile {
	if then == nil {
		then = func(conn net.Conn) { _ = conn.Close() }
	}
	return func(t *testing.T) *hostile {
		t.Helper()
		return serve(t, func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, raw)
			then(conn)
		})
	}
}

func keep(net.Conn) {}

// reply is a whole response.
func reply(status int, body string, headers ...string) string {
	head := append([]string{fmt.Sprintf("HTTP/1.1 %d X", status), fmt.Sprintf("Content-Length: %d", len(body))}, headers...)
	return strings.Join(head, "\r\n") + "\r\n\r\n" + body
}

func truncatedGzip() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"id":"`+strings.Repeat("0123456789", 100)+`"}`)
	_ = z.Close()
	return b.String()[:b.Len()/2]
}

func endless(conn net.Conn, line string) {
	for {
		if _, err := io.WriteString(conn, line); err != nil {
			return
		}
	}
}

func faults() []fault {
	const patience = 10 * time.Second          // far beyond what a busy machine takes
	ahead := time.Now().AddDate(1, 0, 0).UTC() // the server's clock is a year ahead
	garbage := []string{"Retry-After: soon", "X-Ratelimit-Limit: ;;w=,,-1", "X-Ratelimit-Remaining: lots, NaN", "X-Ratelimit-Reset: 1e300, \xff"}
	reset2 := func(code http2.ErrCode) func(*testing.T) *hostile {
		return func(t *testing.T) *hostile {
			t.Helper()
			return serveHTTP2(t, func(f *http2.Framer, id uint32) { _ = f.WriteRSTStream(id, code) })
		}
	}
	return []fault{
		{"no server", func(t *testing.T) *hostile {
			t.Helper()
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			// The near end of a connection has a port that no listener gets meanwhile.
			near, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = near.Close(), l.Close() })
			return &hostile{url: "http://" + near.LocalAddr().String()}
		}, 0, 0},
		{"closed before the answer", answers("", nil), 0, 0},
		{"reset before the answer", answers("", reset), 0, 0},
		{"reset amid the header", answers("HTTP/1.1 200 OK\r\nContent-Ty", reset), 0, 0},
		{"reset amid the body", answers("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":", reset), 0, 0},
		{"closed amid the body", answers("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":", nil), 0, 0},
		{"stall before the answer", answers("", keep), patience, 0},
		{"stall amid the header", answers("HTTP/1.1 200 OK\r\nContent-Ty", keep), patience, 0},
		{"stall amid the body", answers("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":", keep), patience, 0},
		{"503 whose body stalls", answers("HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\n{\"id\":", keep), patience + 2*time.Second, 0},
		{"no HTTP", answers("SSH-2.0-OpenSSH_9.9\r\n", nil), 0, 0},
		{"302 to itself", answers(reply(302, "", "Location: /x"), keep), 0, 0},
		{"307 to itself", answers(reply(307, "", "Location: /x"), keep), 0, 0},
		{"307 to another origin", elsewhere, 0, 0},
		{"307 to plain http", answers(reply(307, "", "Location: http://apis.roblox.com/"), keep), 0, 0},
		{"307 to no URL", answers(reply(307, "", "Location: http://[::1"), keep), 0, 0},
		{"1xx without end", func(t *testing.T) *hostile {
			t.Helper()
			return serve(t, func(conn net.Conn, _ *http.Request) { endless(conn, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n") })
		}, 0, 0},
		{"header without end", func(t *testing.T) *hostile {
			t.Helper()
			return serve(t, func(conn net.Conn, _ *http.Request) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
				endless(conn, "X-Filler: "+strings.Repeat("x", 4000)+"\r\n")
			})
		}, 0, 0},
		{"truncated gzip", answers(reply(200, truncatedGzip(), "Content-Encoding: gzip"), keep), 0, 0},
		{"gzip that is none", answers(reply(200, "{}", "Content-Encoding: gzip"), keep), 0, 0},
		{"half a JSON", answers(reply(200, `{"id":"1","na`), keep), 0, 0},
		{"HTML", answers(reply(200, "<html>"), keep), 0, 0},
		{"no body", answers(reply(200, ""), keep), 0, 0},
		{"502 in HTML", answers(reply(502, "<html>"), keep), 0, 0},
		{"500", answers(reply(500, `{"code":"INTERNAL"}`), keep), 0, 0},
		{"429 without headers", answers(reply(429, ""), keep), 0, 0},
		{"429, Retry-After 1", answers(reply(429, "", "Retry-After: 1"), keep), 0, 0},
		{"429, Retry-After a year", answers(reply(429, "", "Retry-After: 31536000"), keep), 0, 0},
		{"429, Retry-After in the year 9999", answers(reply(429, "", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"), keep), 0, 0},
		{"429, Retry-After -1", answers(reply(429, "", "Retry-After: -1"), keep), 0, 0},
		{"429, Retry-After 1 by a clock a year ahead", answers(reply(429, "", "Date: "+ahead.Format(http.TimeFormat), "Retry-After: "+ahead.Add(time.Second).Format(http.TimeFormat)), keep), 0, 0},
		{"429, longer than the deadline", answers(reply(429, "", "Retry-After: 30"), keep), 20 * time.Second, 0},
		{"429, garbage headers", answers(reply(429, "", garbage...), keep), 0, 0},
		{"200, garbage headers", answers(reply(200, `{"id":"1"}`, garbage...), keep), 0, 0},
		{"HTTP/2 REFUSED_STREAM", reset2(http2.ErrCodeRefusedStream), 5 * time.Second, 10},
		{"HTTP/2 PROTOCOL_ERROR", reset2(http2.ErrCodeProtocol), 5 * time.Second, 10},
		{"HTTP/2 INTERNAL_ERROR", reset2(http2.ErrCodeInternal), 0, 0},
		{"HTTP/2 GOAWAY without the request", func(t *testing.T) *hostile {
			t.Helper()
			return serveHTTP2(t, func(f *http2.Framer, _ uint32) { _ = f.WriteGoAway(0, http2.ErrCodeNo, nil) })
		}, 5 * time.Second, 10},
	}
}

// strangers counts what arrived at the origin that elsewhere redirects to, and
// what of it had a key or a body.
var strangers struct{ all, private atomic.Int64 }

func elsewhere(t *testing.T) *hostile {
	t.Helper()
	away := serve(t, func(conn net.Conn, r *http.Request) {
		strangers.all.Add(1)
		if r.Header.Get("X-Api-Key") != "" || r.ContentLength != 0 {
			strangers.private.Add(1)
		}
		_, _ = io.WriteString(conn, reply(200, `{"id":"1"}`))
	})
	return answers(reply(307, "", "Location: "+away.url), keep)(t)
}

// outcome is how a call went, in words that are the same on each machine.
func outcome(err error) string {
	e, ok := errors.AsType[*opencloud.Error](err)
	switch {
	case err == nil:
		return "success"
	case !ok:
		return "no *Error"
	}
	what := "error"
	if e.Status != 0 {
		what = fmt.Sprintf("status %d", e.Status)
	}
	cause := ""
	for _, c := range []struct {
		name  string
		match bool
	}{
		{"deadline", errors.Is(err, context.DeadlineExceeded)},
		{"refused to follow", e.Err != nil && strings.HasPrefix(e.Err.Error(), "refused a redirect")},
		{"ten redirects", e.Err != nil && strings.Contains(e.Err.Error(), "10 redirects")},
		{"connection", e.Err != nil && e.Status == 0},
		{"body", e.Err != nil},
	} {
		if c.match && cause == "" {
			cause = ", " + c.name
		}
	}
	return what + cause
}

// result is how many requests arrived, and how the call went.
type result struct {
	sent    int64
	outcome string
}

// call returns what makes one call of a class under a fault.
func (f fault) call(t *testing.T, class transport.Class) func() result {
	t.Helper()
	server := f.server(t)
	base := &http.Transport{MaxResponseHeaderBytes: 64 << 10} // so that it is soon too much
	if strings.HasPrefix(f.name, "HTTP/2") {
		base.Protocols = new(http.Protocols)
		base.Protocols.SetUnencryptedHTTP2(true)
	}
	c, err := opencloud.New(opencloud.Options{APIKey: canary, BaseURL: server.url, HTTPClient: &http.Client{Transport: base}})
	if err != nil {
		t.Fatal(err)
	}
	m := &opencloud.Method{Name: "x.Y", Verb: http.MethodGet, Path: "/x", Key: true, Class: class}
	r, timeout := opencloud.Request{}, f.timeout
	if class == transport.Unsafe {
		m.Verb, r.Body = http.MethodPost, map[string]int{"amount": 1}
		if f.most > 0 {
			timeout = 0
		}
	}
	return func() result {
		defer base.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(timeout, time.Minute))
		defer cancel()
		_, err := opencloud.Do[struct{ ID string }](ctx, c, m, r)
		return result{server.sent.Load(), outcome(err)}
	}
}

// Every fault, met by a call that may be sent again and by one that must not.
// What became of them is FAULTS.md.
func TestFaults(t *testing.T) {
	t.Parallel()
	list := faults()
	safe, unsafe := make([]result, len(list)), make([]result, len(list))
	var all sync.WaitGroup // at once, which parallel tests are not: most of it is waiting
	for i, f := range list {
		for class, into := range map[transport.Class]*result{transport.Safe: &safe[i], transport.Unsafe: &unsafe[i]} {
			call := f.call(t, class)
			all.Go(func() { *into = call() })
		}
	}
	all.Wait()
	lines := make([]string, len(list))
	for i, f := range list {
		count := strconv.FormatInt(safe[i].sent, 10)
		if safe[i].sent > 1 && safe[i].sent <= f.most {
			count = fmt.Sprintf("up to %d", f.most)
		}
		lines[i] = fmt.Sprintf("| %s | %s | %s | %d | %s |", f.name, count, safe[i].outcome, unsafe[i].sent, unsafe[i].outcome)
	}
	if strangers.all.Load() != 1 || strangers.private.Load() != 0 {
		t.Errorf("another origin got %d requests, %d of them with a key or body, want 1 and 0", strangers.all.Load(), strangers.private.Load())
	}
	got := strings.Join(lines, "\n") + "\n"
	file, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	const rule = "|---|---|---|---|---|\n"
	head, want, found := strings.Cut(string(file), rule)
	if !found {
		t.Fatal("FAULTS.md has no table")
	}
	if *update {
		if err := os.WriteFile("FAULTS.md", []byte(head+rule+got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("FAULTS.md is not what happens, see whether -update makes it right:\n%s", got)
	}
}
