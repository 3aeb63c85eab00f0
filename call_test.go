package opencloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

const canary = "canary-7c41a0"

var getUser = &opencloud.Method{
	Name: "users.GetUser", Verb: http.MethodGet, Path: "/cloud/v2/users/{user_id}",
	Scopes: []string{"user:read"}, Key: true, OAuth: true, Class: opencloud.Safe,
}

type user struct {
	ID      opencloud.Int64    `json:"id"`
	Name    string             `json:"name"`
	Created time.Time          `json:"created"`
	Age     opencloud.Duration `json:"age"`
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a client whose every request gets this response.
func answering(t testing.TB, status int, header http.Header, body io.Reader) *opencloud.Client {
	t.Helper()
	return clientOver(t, func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), ContentLength: -1, Request: r}, nil
	})
}

func clientOver(t testing.TB, send roundTripFunc) *opencloud.Client {
	t.Helper()
	c, err := opencloud.New(opencloud.Options{APIKey: canary, HTTPClient: &http.Client{Transport: send}, Attempts: 1, Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serving returns a client of a server with this handler.
func serving(t testing.TB, h http.HandlerFunc) *opencloud.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := opencloud.New(opencloud.Options{APIKey: canary, BaseURL: server.URL, HTTPClient: ownConnections(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field   string
		options opencloud.Options
	}{
		{"Options.APIKey", opencloud.Options{APIKey: canary + "\n"}},
		{"Options.APIKey", opencloud.Options{APIKey: "ключ" + canary}},
		{"Options.APIKey and Options.Credential", opencloud.Options{APIKey: canary, Credential: transport.NewAPIKey("x")}},
		{"Options.BaseURL has no host", opencloud.Options{BaseURL: "apis.roblox.com"}},
		{"Options.BaseURL", opencloud.Options{BaseURL: "http://apis.roblox.com"}},
		{"Options.BaseURL has no host", opencloud.Options{BaseURL: "https://"}},
		{"Options.BaseURL", opencloud.Options{BaseURL: "https://u:" + canary + "@apis.roblox.com"}},
		{"Options.BaseURL", opencloud.Options{BaseURL: "https://apis.roblox.com?key=" + canary}},
		{"Options.BaseURL", opencloud.Options{BaseURL: "https://%zz" + canary}},
		{"Options.BaseURL", opencloud.Options{BaseURL: "https://apis.roblox.com/?"}},
		{"Options.BaseURL", opencloud.Options{BaseURL: "https://apis.roblox.com#"}},
		{"Options.Attempts", opencloud.Options{Attempts: -1}},
		{"Options.Unpaced and Options.Budget", opencloud.Options{Unpaced: true, Budget: noBudget{}}},
		{"Options.UserAgent", opencloud.Options{UserAgent: "a\r\nx-api-key: b"}},
	} {
		_, err := opencloud.New(tt.options)
		if err == nil || !strings.HasPrefix(err.Error(), "opencloud: "+tt.field) || strings.Contains(err.Error(), canary) {
			t.Errorf("New(%v): %v, want an error about %s without the secret", tt.options, err, tt.field)
		}
	}
}

type noBudget struct{}

func (noBudget) Take(context.Context, string, opencloud.Limit) (time.Duration, error) { return 0, nil }

func TestOptionsAndClientRedact(t *testing.T) {
	t.Parallel()
	o := opencloud.Options{APIKey: canary}
	c, err := opencloud.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if out := fmt.Sprintf("%v %+v %#v %s %v %+v %#v %+v", o, o, o, o, &o, c, c, *c); strings.Contains(out, canary) {
		t.Errorf("the key shows in %s", out)
	}
}

func TestDoSends(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"id":"156","name":"builderman"}`)
	})
	post := &opencloud.Method{Name: "x.Do", Verb: http.MethodPost, Path: "/a/{b}:do"}
	for _, tt := range []struct {
		name              string
		body              any
		wantType, wantRaw string
	}{
		{"JSON", map[string]int{"n": 0}, "application/json", `{"n":0}`},
		{"form", url.Values{"a": {"1 2"}}, "application/x-www-form-urlencoded", "a=1+2"},
		{"none", nil, "", ""},
	} {
		r := opencloud.Request{Path: []string{"x/y"}, Header: http.Header{"content-md5": {"z"}}, Body: tt.body}
		r.Query.Add("q", "1&2")
		u, err := opencloud.Do[user](t.Context(), c, post, r)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if *u != (user{ID: 156, Name: "builderman"}) {
			t.Errorf("%s: decoded %+v", tt.name, *u)
		}
		if string(body) != tt.wantRaw || got.Header.Get("Content-Type") != tt.wantType {
			t.Errorf("%s: sent %q as %q", tt.name, body, got.Header.Get("Content-Type"))
		}
		if got.Method != http.MethodPost || got.RequestURI != "/a/x%2Fy:do?q=1%262" {
			t.Errorf("%s: sent %s %s", tt.name, got.Method, got.RequestURI)
		}
		for name, want := range map[string]string{"Accept": "application/json", "User-Agent": "rblx-go-opencloud", "X-Api-Key": canary, "Content-Md5": "z"} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: header %s is %q, want %q", tt.name, name, got.Header.Get(name), want)
			}
		}
	}
}

func TestBaseAndHost(t *testing.T) {
	t.Parallel()
	thumb := *getUser
	thumb.Host = "https://thumbnails.roblox.com"
	for _, tt := range []struct {
		base   string
		method *opencloud.Method
		want   string
	}{
		{"", getUser, "https://apis.roblox.com/cloud/v2/users/1"},
		{"https://apis.roblox.com/", getUser, "https://apis.roblox.com/cloud/v2/users/1"},
		{"", &thumb, "https://thumbnails.roblox.com/cloud/v2/users/1"},
		{"http://localhost:8080", &thumb, "http://localhost:8080/cloud/v2/users/1"},
		{"https://proxy.example/roblox/", getUser, "https://proxy.example/roblox/cloud/v2/users/1"},
	} {
		var url, key string
		c, err := opencloud.New(opencloud.Options{APIKey: canary, BaseURL: tt.base, HTTPClient: &http.Client{
			Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				url, key = r.URL.String(), r.Header.Get("x-api-key")
				if transport.MethodFrom(r.Context()) != tt.method {
					t.Error("the request's context does not have the method")
				}
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
			}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := opencloud.Exec(t.Context(), c, tt.method, opencloud.Request{Path: []string{"1"}}); err != nil {
			t.Fatal(err)
		}
		if url != tt.want || key != canary {
			t.Errorf("base %q: sent to %s with key %q, want %s", tt.base, url, key, tt.want)
		}
	}
}

func TestHTTPClientIsLeftAlone(t *testing.T) {
	t.Parallel()
	hc := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	server := httptest.NewServer(http.RedirectHandler("/else", http.StatusFound))
	t.Cleanup(server.Close)
	c, err := opencloud.New(opencloud.Options{APIKey: canary, BaseURL: server.URL, HTTPClient: hc})
	if err != nil {
		t.Fatal(err)
	}
	if hc.Transport != nil {
		t.Error("New changed the caller's http.Client")
	}
	var e *opencloud.Error
	if err := opencloud.Exec(t.Context(), c, getUser, opencloud.Request{Path: []string{"1"}}); !errors.As(err, &e) || e.Status != http.StatusFound {
		t.Errorf("the caller's CheckRedirect was not asked: %v", err)
	}
}

func TestAsReplacesCredential(t *testing.T) {
	t.Parallel()
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("x-api-key"))
		_, _ = io.WriteString(w, "{}") // see ownConnections; a client of those may bring a credential
	}))
	t.Cleanup(server.Close)
	c, err := opencloud.New(opencloud.Options{APIKey: canary, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, view := range []*opencloud.Client{c.As(transport.NewAPIKey("other")), c} {
		if err := opencloud.Exec(t.Context(), view, getUser, opencloud.Request{Path: []string{"1"}}); err != nil {
			t.Fatal(err)
		}
	}
	err = opencloud.Exec(t.Context(), c.As(nil), getUser, opencloud.Request{Path: []string{"1"}})
	if !errors.Is(err, opencloud.ErrUnauthenticated) || !strings.Contains(err.Error(), "Options.APIKey") {
		t.Errorf("without a credential: %v", err)
	}
	if got := fmt.Sprintf("%q", keys); got != fmt.Sprintf("%q", []string{"other", canary}) {
		t.Errorf("sent keys %s", got)
	}
}

// Whatever encoding/json says of a body, none of it comes into the text.
func TestErrorsHaveNothingOfABody(t *testing.T) {
	t.Parallel()
	type shapes struct {
		Int    int
		Key    map[int8]int
		Number json.Number
		Quoted int `json:",string"`
	}
	for _, body := range []string{
		`{"int":7340123.5}`, `{"int":"7340123"}`, `{"int":73401239999999999999}`, `{"key":{"7340123":1}}`, `{"number":"x7340123"}`,
		`{"quoted":"x7340123"}`, `{"quoted":7340123}`, `[7340123]`, `{"int":7340123x}`,
	} {
		_, err := opencloud.Do[shapes](t.Context(), answering(t, http.StatusOK, nil, strings.NewReader(body)), getUser, opencloud.Request{Path: []string{"1"}})
		if err == nil || strings.Contains(err.Error(), "7340123") || !strings.Contains(err.Error(), "not of the documented form") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A base that is an http.Client itself tells the URL, and with it what a
// location is signed with.
func TestErrorsHaveNoURL(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	c := clientOver(t, func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: &url.Error{Op: "Get", URL: r.URL.String(), Err: refused}}
	})
	r := opencloud.Request{Path: []string{"1"}}
	r.Query.Add("filter", canary)
	_, fetched := opencloud.Fetch(t.Context(), c, "https://cdn.example/f?signature="+canary)
	for _, err := range []error{opencloud.Exec(t.Context(), c, getUser, r), fetched} {
		if !errors.Is(err, refused) || strings.Contains(err.Error(), canary) {
			t.Errorf("%v, want %v without the URL", err, refused)
		}
	}
}

// What is 2xx and still no answer is an error that keeps the status.
func TestDoRefusesBadSuccess(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, body := range map[string]io.Reader{
		"empty":         strings.NewReader(""),
		"space":         strings.NewReader(" \n"),
		"HTML":          strings.NewReader("<html>" + canary + "</html>"),
		"truncated":     strings.NewReader(`{"id":"1","name":"` + canary),
		"another type":  strings.NewReader(`["` + canary + `"]`),
		"no number":     strings.NewReader(`{"id":"` + canary + `"}`),
		"no time":       strings.NewReader(`{"created":"` + canary + `"}`),
		"no duration":   strings.NewReader(`{"age":"` + canary + `"}`),
		"two values":    strings.NewReader(`{}{"name":"` + canary + `"}`),
		"broken stream": io.MultiReader(strings.NewReader(`{"id":`), errReader{broken}),
		"too long":      io.MultiReader(strings.NewReader(`{"name":"`), &endless{}),
	} {
		u, err := opencloud.Do[user](t.Context(), answering(t, http.StatusOK, nil, body), getUser, opencloud.Request{Path: []string{"1"}})
		var e *opencloud.Error
		if u != nil || !errors.As(err, &e) || e.Status != http.StatusOK || e.Err == nil {
			t.Errorf("%s: %+v, %v", name, u, err)
			continue
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error shows the body: %v", name, err)
		}
		if len(e.Body) > 64<<10 {
			t.Errorf("%s: kept %d bytes", name, len(e.Body))
		}
		if got := errors.Is(err, broken); got != (name == "broken stream") {
			t.Errorf("%s: the cause is %v", name, e.Err)
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

type endless struct{}

func (*endless) Read(p []byte) (int, error) { return copy(p, strings.Repeat("x", len(p))), nil }

func TestExecIgnoresAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", `""`, "{}", "<html>"} {
		if err := opencloud.Exec(t.Context(), answering(t, http.StatusNoContent, nil, strings.NewReader(body)), getUser, opencloud.Request{Path: []string{"1"}}); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
	}
}

func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusNotFound} {
		closed := 0
		c := clientOver(t, func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: closeFunc(func() error { closed++; return nil }), Request: r}, nil
		})
		_, _ = opencloud.Do[user](t.Context(), c, getUser, opencloud.Request{Path: []string{"1"}})
		_ = opencloud.Exec(t.Context(), c, getUser, opencloud.Request{Path: []string{"1"}})
		if closed != 2 {
			t.Errorf("status %d: closed %d bodies of 2", status, closed)
		}
	}
}

type closeFunc func() error

func (closeFunc) Read([]byte) (int, error) { return 0, io.EOF }
func (f closeFunc) Close() error           { return f() }

func TestFailuresBeforeAnAnswer(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	c := clientOver(t, func(r *http.Request) (*http.Response, error) { return nil, errors.Join(refused, r.Context().Err()) })
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	r := opencloud.Request{Path: []string{"1"}}
	r.Query.Add("filter", canary)
	for _, tt := range []struct {
		ctx  context.Context
		want error
	}{{t.Context(), refused}, {canceled, context.Canceled}} {
		err := opencloud.Exec(tt.ctx, c, getUser, r)
		var e *opencloud.Error
		if !errors.As(err, &e) || e.Status != 0 || !errors.Is(err, tt.want) {
			t.Errorf("got %v, want %v in an *Error", err, tt.want)
		}
		var u *url.Error
		if errors.As(err, &u) || strings.Contains(err.Error(), canary) {
			t.Errorf("the error holds the URL: %v", err)
		}
	}
	err := opencloud.Exec(t.Context(), c, getUser, opencloud.Request{Path: []string{"1"}, Body: func() {}})
	if !errors.Is(err, opencloud.ErrInvalidArgument) {
		t.Errorf("a body that is no JSON: %v", err)
	}
}

// A redirect that turns a POST into a GET would pass the GET's answer off as the POST's.
func TestRedirectKeepsVerb(t *testing.T) {
	t.Parallel()
	var verbs []string
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		verbs = append(verbs, r.Method+" "+r.URL.Path)
		switch r.URL.Path {
		case "/found":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/temporary":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		}
	})
	for path, want := range map[string]int{"/found": http.StatusFound, "/temporary": 0} {
		err := opencloud.Exec(t.Context(), c, &opencloud.Method{Name: "x.Y", Verb: http.MethodPost, Path: path}, opencloud.Request{Body: 1})
		status := 0
		if e := new(opencloud.Error); errors.As(err, &e) {
			status = e.Status
		}
		if status != want {
			t.Errorf("%s: %v, want status %d", path, err, want)
		}
	}
	for _, v := range verbs {
		if strings.HasPrefix(v, http.MethodGet) {
			t.Errorf("sent %s", v)
		}
	}
	if len(verbs) != 3 {
		t.Errorf("sent %q, want three requests", verbs)
	}
}
