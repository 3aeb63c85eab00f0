package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/transport"
)

const canary = "canary-key-1f0e9d"

// seen is what a server got in x-api-key, request by request.
type seen struct{ keys []string }

func (s *seen) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.keys = append(s.keys, r.Header.Get("x-api-key"))
}

func get(t *testing.T, client *http.Client, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if len(req.Header) != 0 {
		t.Errorf("the caller's request got headers %v", req.Header)
	}
}

func keyClient(t *testing.T, base http.RoundTripper, origins ...string) *http.Client {
	t.Helper()
	allowed, err := transport.ParseOrigins(origins...)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport.Stack(base, transport.Layers{Credential: transport.NewAPIKey(canary), Allowed: allowed})}
}

// net/http copies a custom header such as x-api-key to whatever host a redirect
// names, so the key must not be among the headers that it knows.
func TestAPIKeyStaysWithinOrigins(t *testing.T) {
	t.Parallel()
	var foreign, plain seen
	foreignServer := httptest.NewTLSServer(&foreign)
	t.Cleanup(foreignServer.Close)
	plainServer := httptest.NewServer(&plain)
	t.Cleanup(plainServer.Close)
	var home seen
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		home.ServeHTTP(w, r)
		if to := r.FormValue("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	})
	homeServer := httptest.NewTLSServer(mux)
	t.Cleanup(homeServer.Close)
	client := keyClient(t, homeServer.Client().Transport, homeServer.URL)

	get(t, client, homeServer.URL+"/?to=/again")
	get(t, client, homeServer.URL+"/?to="+foreignServer.URL)
	get(t, client, homeServer.URL+"/?to="+plainServer.URL)

	if got, want := fmt.Sprint(home.keys), fmt.Sprint([]string{canary, canary, canary, canary}); got != want {
		t.Errorf("the allowed origin got keys %s, want %s", got, want)
	}
	if got := fmt.Sprintf("%q", append(foreign.keys, plain.keys...)); got != `["" ""]` {
		t.Errorf("other origins got keys %s, want two requests without", got)
	}
}

func TestAPIKeyComesBackOnReturn(t *testing.T) {
	t.Parallel()
	var home seen
	mux := http.NewServeMux()
	homeServer := httptest.NewServer(mux)
	t.Cleanup(homeServer.Close)
	away := httptest.NewServer(http.RedirectHandler(homeServer.URL+"/end", http.StatusFound))
	t.Cleanup(away.Close)
	mux.Handle("/end", &home)
	mux.Handle("/start", http.RedirectHandler(away.URL, http.StatusFound))

	get(t, keyClient(t, homeServer.Client().Transport, homeServer.URL), homeServer.URL+"/start")
	if got := fmt.Sprintf("%q", home.keys); got != fmt.Sprintf("%q", []string{canary}) {
		t.Errorf("after a detour the allowed origin got keys %s", got)
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAPIKeyLeavesRequestAlone(t *testing.T) {
	t.Parallel()
	base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		r.Header["X-Caller"] = append(r.Header["X-Caller"], "base's")
		r.Header["X-Api-Key"] = append(r.Header["X-Api-Key"], "base's")
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	})
	client := keyClient(t, base, "https://apis.roblox.com")
	values := append(make([]string, 0, 4), "one")
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://apis.roblox.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["X-Caller"] = values
		resp, err := client.Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if len(req.Header) != 1 || values[:2][1] != "" {
			t.Errorf("the caller's headers became %v, %q", req.Header, values[:2])
		}
		if got := resp.Request.Header["X-Api-Key"]; len(got) != 2 || got[0] != canary {
			t.Errorf("sent %d keys, want the key and what base added", len(got))
		}
	}
}

func TestAPIKeyRedacted(t *testing.T) {
	t.Parallel()
	cred := transport.NewAPIKey(canary)
	js, err := json.Marshal(cred)
	if err != nil {
		t.Fatal(err)
	}
	holder := struct{ C transport.Credential }{cred}
	out := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", cred, cred, cred, cred, cred, cred, holder, holder, holder) + string(js)
	if strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
		t.Errorf("the key shows in %s", out)
	}
	if id := cred.CredentialID(); id == transport.NewAPIKey(canary+"2").CredentialID() || id != transport.NewAPIKey(canary).CredentialID() {
		t.Errorf("CredentialID %q is not one per key", id)
	}
}

func TestStackWithoutCredential(t *testing.T) {
	t.Parallel()
	sent := 0
	base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
	})
	get(t, &http.Client{Transport: transport.Stack(base, transport.Layers{})}, "https://apis.roblox.com/")
	if sent != 1 {
		t.Errorf("sent %d requests, want 1", sent)
	}
}

// A key that changes while the program runs is sent from then on, under the
// same id; what is no key is not sent, and does not show.
func TestAPIKeySource(t *testing.T) {
	t.Parallel()
	key, fails := canary+"-1", error(nil)
	cred := transport.NewAPIKeySource("secrets/roblox", func(context.Context) (string, error) { return key, fails })
	var s seen
	server := httptest.NewServer(&s)
	t.Cleanup(server.Close)
	allowed, err := transport.ParseOrigins(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: cred.RoundTripper(server.Client().Transport, allowed)}
	get(t, client, server.URL)
	key = canary + "-2"
	get(t, client, server.URL)
	if got, want := fmt.Sprint(s.keys), fmt.Sprint([]string{canary + "-1", canary + "-2"}); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if out := fmt.Sprintf("%v %+v %#v", cred, cred, cred); cred.CredentialID() != "apikey-secrets/roblox" || strings.Contains(out, canary) {
		t.Errorf("it is %q, and shows as %s", cred.CredentialID(), out)
	}
	for _, bad := range []struct {
		key string
		err error
	}{{"", nil}, {canary + "\r\nx: y", nil}, {"", errors.New("the manager is down")}} {
		key, fails = bad.key, bad.err
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(req) //nolint:bodyclose // there is none
		if err == nil || strings.Contains(err.Error(), canary) || bad.err != nil && !errors.Is(err, bad.err) {
			t.Errorf("key %q, %v: %v", bad.key, bad.err, err)
		}
	}
	if len(s.keys) != 2 {
		t.Errorf("sent %d requests, want 2", len(s.keys))
	}
}
