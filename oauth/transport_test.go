package oauth

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func originsOf(t testing.TB, list ...string) transport.Origins {
	t.Helper()
	o, err := transport.ParseOrigins(list...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestTransportAttaches(t *testing.T) {
	t.Parallel()
	a, id := signedIn(t, newFakeProvider(), NewMemoryStore(), time.Hour)
	allowed := originsOf(t, "https://apis.roblox.com", "http://127.0.0.1:9000")
	for _, c := range []struct{ url, own, want string }{
		{"https://apis.roblox.com/cloud/v2/users/1", "", "Bearer at-1"},
		{"https://apis.roblox.com:443/x", "", "Bearer at-1"},
		{"http://127.0.0.1:9000/x", "", "Bearer at-1"},
		{"http://apis.roblox.com/x", "", ""},
		{"https://apis.roblox.com.evil.example/x", "", ""},
		{"https://evil.example/?https://apis.roblox.com", "", ""},
		{"http://127.0.0.1:9001/x", "", ""},
		{"https://apis.roblox.com/x", "Basic mine", "Basic mine"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader("body"))
		r.Header.Set("X-Mine", "1")
		if c.own != "" {
			r.Header.Set("Authorization", c.own)
		}
		before := r.Header.Clone()
		var got http.Header
		tr := &Transport{Grant: a.Grant(id), Origins: allowed, Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return reply(200, "text/plain", ""), nil
		})}
		resp, err := tr.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got.Get("Authorization") != c.want || got.Get("X-Mine") != "1" {
			t.Errorf("%s: sent %q, want %q", c.url, got.Get("Authorization"), c.want)
		}
		if len(r.Header) != len(before) || r.Header.Get("Authorization") != c.own {
			t.Errorf("%s: the caller's request was changed", c.url)
		}
	}
}

// Each hop decides for itself: the token does not follow a redirect elsewhere.
func TestTransportOnRedirects(t *testing.T) {
	t.Parallel()
	var elsewhere string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = "reached with " + r.Header.Get("Authorization")
	}))
	defer other.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer at-1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "/2", http.StatusFound)
		case "/2":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer home.Close()
	a, id := signedIn(t, newFakeProvider(), NewMemoryStore(), time.Hour)
	client := &http.Client{Transport: a.Grant(id).RoundTripper(nil, originsOf(t, home.URL))}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, home.URL+"/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if elsewhere != "reached with " {
		t.Errorf("the other host was %s", elsewhere)
	}
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

func TestTransportClosesTheBodyItDoesNotSend(t *testing.T) {
	t.Parallel()
	a := newTestApp(t, newFakeProvider(), NewMemoryStore())
	body := &closeCounter{Reader: strings.NewReader("x")}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://apis.roblox.com/", body)
	r.Body = body
	tr := a.Grant(NewGrantID()).RoundTripper(nil, originsOf(t, "https://apis.roblox.com"))
	resp, err := tr.RoundTrip(r)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("a request went out for a grant that does not exist")
	}
	if body.closed != 1 {
		t.Errorf("the body was closed %d times", body.closed)
	}
}

var benchHeader = http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"bench"}}

func freshTransport(tb testing.TB) (*Transport, *http.Request) {
	tb.Helper()
	store := NewMemoryStore()
	a, err := New(Config{ClientID: "c", RedirectURL: "http://localhost/cb", Scopes: []string{"openid"}, Store: store})
	if err != nil {
		tb.Fatal(err)
	}
	id, err := a.createGrant(tb.Context(), &answer{
		Issued: time.Now().Round(0), AccessToken: Secret(strings.Repeat("a", 900)), RefreshToken: "r", Lifetime: time.Hour,
	})
	if err != nil {
		tb.Fatal(err)
	}
	resp := &http.Response{StatusCode: 200, Body: http.NoBody}
	tr := &Transport{
		Grant: a.Grant(id), Origins: originsOf(tb, "https://apis.roblox.com"),
		Base: roundTrip(func(*http.Request) (*http.Response, error) { return resp, nil }),
	}
	u, err := url.Parse("https://apis.roblox.com/cloud/v2/users/1")
	if err != nil {
		tb.Fatal(err)
	}
	r := (&http.Request{Method: http.MethodGet, URL: u, Header: benchHeader.Clone()}).WithContext(tb.Context())
	if _, err := tr.RoundTrip(r); err != nil { //nolint:bodyclose // http.NoBody
		tb.Fatal(err)
	}
	return tr, r
}

func TestRoundTripAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun forbids it
	tr, r := freshTransport(t)
	got := testing.AllocsPerRun(1000, func() {
		if _, err := tr.RoundTrip(r); err != nil { //nolint:bodyclose // http.NoBody
			t.Fatal(err)
		}
	})
	if got > 3 {
		t.Errorf("%v allocations a request, want 3", got)
	}
}
