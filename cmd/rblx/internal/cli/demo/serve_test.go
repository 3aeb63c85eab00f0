package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
)

// announced is an io.Writer that waits for the address the demo prints.
type announced struct {
	text  bytes.Buffer
	found chan string
}

func (a *announced) Write(p []byte) (int, error) {
	a.text.Write(p)
	if m := regexp.MustCompile(`http://localhost:\d+`).Find(a.text.Bytes()); m != nil {
		a.found <- string(m)
	}
	return len(p), nil
}

// start runs the demo as the command does, until stop is called.
func start(t *testing.T) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &announced{found: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, config{}, 0, out, io.Discard) }()
	select {
	case address = <-out.found:
	case err := <-ended:
		t.Fatal(err)
	}
	stop = func() error { cancel(); return <-ended }
	return address, stop
}

func TestServe(t *testing.T) {
	t.Parallel()
	address, stop := start(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{
		"/": "Sign in with Roblox", "/static/style.css": "--accent", "/static/strip.js": "EventSource", "/static/icon.svg": "<svg",
		"/callback?state=x&code=y": "This sign-in is not known here",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("GET %s: %d without %q, %v", path, resp.StatusCode, want, err)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// lastWords ends what writes to it, and keeps what it wrote.
type lastWords struct {
	bytes.Buffer
	end func()
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.end()
	return l.Buffer.Write(p)
}

// Whoever has a proxy in front of the demo is told where to lead it.
func TestServeTellsAProxyWhereItIs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	out := &lastWords{end: cancel}
	err := serve(ctx, config{App: signin.App{RedirectURL: "https://example.com/callback"}}, 0, out, io.Discard)
	want := regexp.MustCompile(`^The demo is at https://example\.com(:\d+)?\nWhat is in front of it has to lead to http://(127\.0\.0\.1|\[::1\]):\d+\nIt talks to `)
	if err != nil || !want.MatchString(out.String()) {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		config config
		port   int
		want   string
	}{
		{config{}, port, fmt.Sprintf("port %d is in use", port)},
		{config{App: signin.App{ClientID: "1", Issuer: "https://example.com/?x"}}, 0, "ROBLOX_ISSUER: "},
	} {
		err := serve(t.Context(), c.config, c.port, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestCallbackNeedsAPathOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/login", "/events", "/static/style.css"} {
		home, err := homeAt("http://localhost:3000"+path, 3000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newSite(&backend{}, home, keeping{}, nil); err == nil || !strings.Contains(err.Error(), "a page of its own at "+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCookieKeyIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cookie.key")
	first, err := cookieKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := cookieKey(path)
	if err != nil || !bytes.Equal(first, second) || len(first) < 16 {
		t.Errorf("%d bytes, then %d bytes, %v", len(first), len(second), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the key: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cookieKey(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a short key: %v", err)
	}
}
