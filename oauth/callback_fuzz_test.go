package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzCallback sends callbacks without a sign-in under way: whatever the query,
// the answer is a clear page and the provider hears nothing.
func FuzzCallback(f *testing.F) {
	for _, q := range []string{
		"code=c&state=s", "error=access_denied&state=s", "state=s&state=t&code=c", "code=c&error=e&state=s",
		"", "state=%zz", "code=c&state=s;a=b", "code=%00&state=%ff", "state=%3Cscript%3E&code=x",
	} {
		f.Add(q)
	}
	app, err := New(Config{
		ClientID: "client", RedirectURL: "https://app.test/callback", Scopes: []string{"openid"}, Store: NewMemoryStore(),
		HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			panic("a request to " + r.URL.Host)
		})},
	})
	if err != nil {
		f.Fatal(err)
	}
	handler := app.CallbackHandler(func(http.ResponseWriter, *http.Request, *Login) error { panic("signed in") })
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/callback", http.NoBody)
		r.URL.RawQuery = query
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "<h1>") {
			t.Fatalf("query %q: status %d", query, rec.Code)
		}
		p, err := parseCallback(query)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil || len(values["state"]) != 1 || p.state != values.Get("state") || p.state == "" ||
			(p.code == "") == (p.failure == "") || p.code != values.Get("code") || p.failure != values.Get("error") {
			t.Fatalf("query %q: %v", query, err)
		}
	})
}
