package opencloud_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
)

var getEntry = &opencloud.Method{
	Name: "datastores.GetEntry", Verb: http.MethodGet, Path: "/cloud/v2/stores/{store_id}/entries/{entry_id}:read",
}

// echo returns a call and what a server found in the two places of its path.
func echo(tb testing.TB) (call func(ctx context.Context, store, entry string) error, got *[2]string, hits *int) {
	tb.Helper()
	got, hits = new([2]string), new(int)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		segments := strings.Split(r.URL.EscapedPath(), "/")
		if len(segments) != 7 || r.URL.RawQuery != "" || segments[5] != "entries" {
			http.NotFound(w, r)
			return
		}
		for i, segment := range []string{segments[4], segments[6]} {
			value, err := url.PathUnescape(segment)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
			got[i] = value
		}
	})
	c, err := opencloud.New(opencloud.Options{HTTPClient: &http.Client{Transport: &handlerTransport{handler, hits}}})
	if err != nil {
		tb.Fatal(err)
	}
	return func(ctx context.Context, store, entry string) error {
		return opencloud.Exec(ctx, c, getEntry, opencloud.Request{Path: []string{store, entry}})
	}, got, hits
}

func TestPathParametersArriveIntact(t *testing.T) {
	t.Parallel()
	call, got, hits := echo(t)
	for i, p := range []string{
		"1", "a/b", "/", "//", "a?b", "a#b", "100%", "%2F", "%2e%2e", "a+b", "a b", " ", "..a", "...", "../x", "x/..", ".a", "a:b", ":read",
		"ключ", "日本語", "🦊", "a\x00b", "a\nb", "\xff", "{store_id}", "a;b=c,d", "a\\b", "~-._", "global/name::id", "MQ==", `"'<>&`,
	} {
		if err := call(t.Context(), p, p); err != nil {
			t.Errorf("%q: %v", p, err)
			continue
		}
		if *got != [2]string{p, p + ":read"} {
			t.Errorf("%q arrived as %q", p, *got)
		}
		if *hits != i+1 {
			t.Fatalf("%q: %d requests", p, *hits)
		}
	}
}

func TestPathParametersRefused(t *testing.T) {
	t.Parallel()
	call, _, hits := echo(t)
	for _, p := range []string{"", ".", ".."} {
		for name, args := range map[string][2]string{"store_id": {p, "x"}, "entry_id": {"x", p}} {
			err := call(t.Context(), args[0], args[1])
			if !errors.Is(err, opencloud.ErrInvalidArgument) || !strings.Contains(err.Error(), name+" must not be") {
				t.Errorf("%s %q: %v", name, p, err)
			}
		}
	}
	c := answering(t, http.StatusOK, nil, strings.NewReader("{}"))
	for _, params := range [][]string{nil, {"1"}, {"1", "2", "3"}} {
		if err := opencloud.Exec(t.Context(), c, getEntry, opencloud.Request{Path: params}); !errors.Is(err, opencloud.ErrInvalidArgument) {
			t.Errorf("%d parameters: %v", len(params), err)
		}
	}
	if *hits != 0 {
		t.Errorf("%d requests were sent", *hits)
	}
}

func FuzzPath(f *testing.F) {
	call, got, hits := echo(f)
	for _, seed := range []string{"1", "..", "a/b?c#d%2F+ é", ""} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, store, entry string) {
		*got, *hits = [2]string{}, 0
		err := call(t.Context(), store, entry)
		if errors.Is(err, opencloud.ErrInvalidArgument) && *hits == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if *got != [2]string{store, entry + ":read"} {
			t.Fatalf("%q, %q arrived as %q", store, entry, *got)
		}
	})
}

// The path of a base URL stands before each call's own, escaped as it was given.
func TestBaseURLPath(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://proxy.example":           "https://proxy.example/cloud/v2/stores/a%2Fb/entries/c:read?q=1%262",
		"https://proxy.example/roblox/":   "https://proxy.example/roblox/cloud/v2/stores/a%2Fb/entries/c:read?q=1%262",
		"https://proxy.example:8443/a%2F": "https://proxy.example:8443/a%2F/cloud/v2/stores/a%2Fb/entries/c:read?q=1%262",
	} {
		var got, host string
		c, err := opencloud.New(opencloud.Options{BaseURL: base, HTTPClient: &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			got, host = r.URL.String(), r.Host
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		r := opencloud.Request{Path: []string{"a/b", "c"}}
		r.Query.Add("q", "1&2")
		if err := opencloud.Exec(t.Context(), c, getEntry, r); err != nil {
			t.Fatal(err)
		}
		if got != want || "https://"+host != want[:len("https://")+len(host)] || host == "" {
			t.Errorf("%s: called %s of %s, want %s", base, got, host, want)
		}
	}
}
