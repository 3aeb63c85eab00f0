package opencloud_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

// Two credentials in one request would be decided between by whoever receives
// them, and x/oauth2's would go wherever a redirect leads.
func TestTwoCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	key := transport.NewAPIKey("other")
	allowed, err := transport.ParseOrigins("https://apis.roblox.com")
	if err != nil {
		t.Fatal(err)
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: canary})
	for name, hc := range map[string]*http.Client{
		"x/oauth2":        oauth2.NewClient(t.Context(), source),
		"a key's":         {Transport: key.RoundTripper(nil, allowed)},
		"a stack with it": {Transport: transport.Stack(nil, transport.Layers{Credential: key, Retry: new(transport.Retry), Pacer: new(transport.Pacer)})},
	} {
		for _, o := range []opencloud.Options{{HTTPClient: hc, APIKey: canary}, {HTTPClient: hc, Credential: key}} {
			if _, err := opencloud.New(o); err == nil || !strings.HasPrefix(err.Error(), "opencloud: Options.HTTPClient brings a credential") {
				t.Errorf("%s: %v", name, err)
			}
		}
		c, err := opencloud.New(opencloud.Options{HTTPClient: hc})
		if err != nil {
			t.Fatalf("%s alone: %v", name, err)
		}
		err = opencloud.Exec(t.Context(), c.As(key), getUser, opencloud.Request{Path: []string{"1"}})
		if err == nil || !strings.Contains(err.Error(), "Options.HTTPClient brings a credential") {
			t.Errorf("%s, as another: %v", name, err)
		}
	}
	plain := &http.Client{Transport: transport.Stack(nil, transport.Layers{Retry: new(transport.Retry)})}
	if _, err := opencloud.New(opencloud.Options{HTTPClient: plain, APIKey: canary}); err != nil {
		t.Errorf("a transport without a credential: %v", err)
	}
}

// Views share the pacing of a client, in which each credential has its own limit.
func TestViewsShareLayers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		limited := *getUser
		limited.KeyLimit = opencloud.Limit{Max: 10, Per: time.Minute}
		c, err := opencloud.New(opencloud.Options{APIKey: canary, HTTPClient: &http.Client{Transport: roundTripFunc(
			func(r *http.Request) (*http.Response, error) {
				sent++
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
			})}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		call := func(key string) error {
			return opencloud.Exec(ctx, c.As(transport.NewAPIKey(key)), &limited, opencloud.Request{Path: []string{"1"}})
		}
		for range 10 {
			for _, key := range []string{canary, "other"} {
				if err := call(key); err != nil {
					t.Fatal(err)
				}
			}
		}
		err = call(canary)
		e, ok := errors.AsType[*opencloud.Error](err)
		if !ok || sent != 20 || !errors.Is(err, opencloud.ErrRateLimited) || !errors.Is(err, context.DeadlineExceeded) || e.RetryAfter <= 10*time.Second || e.Status != 0 {
			t.Errorf("%v after %d requests, want ErrRateLimited without an 11th request", err, sent)
		}
	})
}

func TestCallsAreRetried(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		attempts int
		class    transport.Class
		want     int
	}{{0, opencloud.Safe, 4}, {2, opencloud.Safe, 2}, {1, opencloud.Safe, 1}, {0, opencloud.Unsafe, 1}} {
		synctest.Test(t, func(t *testing.T) {
			var bodies []string
			c, err := opencloud.New(opencloud.Options{APIKey: canary, Attempts: tt.attempts, HTTPClient: &http.Client{Transport: roundTripFunc(
				func(r *http.Request) (*http.Response, error) {
					b, _ := io.ReadAll(r.Body)
					bodies = append(bodies, string(b))
					return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: io.NopCloser(strings.NewReader(`{"code":"DOWN"}`)), Request: r}, nil
				})}})
			if err != nil {
				t.Fatal(err)
			}
			m := &opencloud.Method{Name: "x.Y", Verb: http.MethodPost, Path: "/x", Class: tt.class}
			err = opencloud.Exec(t.Context(), c, m, opencloud.Request{Body: 1})
			e, ok := errors.AsType[*opencloud.Error](err)
			if !ok || e.Code != "DOWN" || strings.Join(bodies, "") != strings.Repeat("1", tt.want) {
				t.Errorf("attempts %d, class %d: %v after %q, want %d", tt.attempts, tt.class, err, bodies, tt.want)
			}
		})
	}
}

// x/oauth2's token goes with every request, so none goes to another origin.
func TestOAuth2TokenStaysWithItsOrigin(t *testing.T) {
	t.Parallel()
	files := newCDN(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the file") })
	for name, follow := range map[string]func(*http.Request, []*http.Request) error{
		"ours":    nil,
		"another": func(*http.Request, []*http.Request) error { return nil },
	} {
		api := newCDN(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/things" {
				http.Redirect(w, r, "/here", http.StatusFound)
				return
			}
			http.Redirect(w, r, files.URL+"/file", http.StatusFound)
		})
		hc := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: canary}))
		hc.CheckRedirect = follow
		c, err := opencloud.New(opencloud.Options{BaseURL: api.URL, HTTPClient: hc})
		if err != nil {
			t.Fatal(err)
		}
		_, err = opencloud.Download(t.Context(), c, getContent, opencloud.Request{})
		e, ok := errors.AsType[*opencloud.Error](err)
		if !ok || e.Status != http.StatusFound || !strings.Contains(err.Error(), "refused a redirect to another origin") {
			t.Errorf("policy %s: %v", name, err)
		}
		if len(files.seen) != 0 || len(api.seen) != 2 || api.seen[1].Get("Authorization") != "Bearer "+canary {
			t.Errorf("policy %s: the API was asked with %v, another origin with %v", name, api.seen, files.seen)
		}
	}
}

// Where a redirect leads learns nothing of the URL before, whose query may be
// the caller's or what a location is signed with.
func TestRedirectsHaveNoReferer(t *testing.T) {
	t.Parallel()
	files := newCDN(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the file") })
	api := newCDN(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, files.URL+"/file", http.StatusFound) })
	c := keyed(t, api.URL)
	var query opencloud.Query
	query.Add("filter", canary)
	called, err := opencloud.Download(t.Context(), c, getContent, opencloud.Request{Query: query})
	if err != nil {
		t.Fatal(err)
	}
	defer called.Close()
	fetched, err := opencloud.Fetch(t.Context(), c, api.URL+"/f?signature="+canary)
	if err != nil {
		t.Fatal(err)
	}
	defer fetched.Close()
	if len(files.seen) != 2 || files.seen[0].Get("Referer") != "" || files.seen[1].Get("Referer") != "" {
		t.Errorf("asked with %v", files.seen)
	}
}

// A redirect that is not followed is an answer: its error has the status and
// the request's id, and nothing of the Location.
func TestRefusedRedirectsKeepTheirStatus(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"http://example.com/?signature=" + canary, "https://cdn.example/%zz?signature=" + canary, "http://[::1?" + canary} {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.Header().Set("X-Request-Id", "r-7")
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		err := opencloud.Exec(t.Context(), c, getUser, opencloud.Request{Path: []string{"1"}})
		e, ok := errors.AsType[*opencloud.Error](err)
		if !ok || e.Status != http.StatusTemporaryRedirect || e.RequestID != "r-7" || strings.Contains(err.Error(), canary) {
			t.Errorf("to %s: %v", location, err)
		}
	}
}

// A body stays with the origins it was meant for, and nothing goes in the clear.
func TestRedirectsThatAreRefused(t *testing.T) {
	t.Parallel()
	arrived := 0
	away := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived++ }))
	t.Cleanup(away.Close)
	for _, tt := range []struct {
		to   string
		body any
		want string
	}{
		{away.URL, "secret", "refused a redirect of the request's body"},
		{"http://apis.roblox.com/", nil, "refused a redirect to plain http"},
		{"http://apis.roblox.com/", "secret", "refused a redirect to plain http"},
	} {
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, tt.to, http.StatusTemporaryRedirect)
		})
		err := opencloud.Exec(t.Context(), c, &opencloud.Method{Name: "x.Y", Verb: http.MethodPut, Path: "/x", Class: opencloud.Idempotent}, opencloud.Request{Body: tt.body})
		if err == nil || !strings.Contains(err.Error(), tt.want) || arrived != 0 {
			t.Errorf("to %s with %v: %v, %d arrived", tt.to, tt.body, err, arrived)
		}
	}
}
