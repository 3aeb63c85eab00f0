package browser_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/mocks/browser"
)

// site is a handler of one page that shows how it was asked.
func site(t *testing.T, pages map[string]http.HandlerFunc) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, serve := range pages {
		mux.HandleFunc(pattern, serve)
	}
	return mux
}

func open(t *testing.T, b *browser.Browser, to string) *browser.Page {
	t.Helper()
	page, err := b.Open(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	show := func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Method, " ", r.Host, r.URL) }
	b := browser.New(browser.Options{Handlers: map[string]http.Handler{
		"a.test": site(t, map[string]http.HandlerFunc{
			"/start": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://b.test/end?x=1", http.StatusSeeOther)
			},
			"/loop": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) },
			"/":     show,
		}),
		"b.test": http.HandlerFunc(show),
	}})
	page := open(t, b, "http://a.test/start")
	if page.Body != "GET b.test/end?x=1" || page.URL.String() != "http://b.test/end?x=1" || len(page.Trail) != 2 {
		t.Errorf("page %+v", page)
	}
	if page := open(t, b, "other"); page.Body != "GET b.test/other" {
		t.Errorf("a relative URL opened %q", page.Body)
	}
	if _, err := b.Open(t.Context(), "http://a.test/loop"); !errors.Is(err, browser.ErrTooManyRedirects) {
		t.Errorf("a loop ended with %v", err)
	}
}

func TestStopAt(t *testing.T) {
	t.Parallel()
	b := browser.New(browser.Options{
		Handlers: map[string]http.Handler{"a.test": http.RedirectHandler("http://localhost:3000/callback?code=c", http.StatusFound)},
		StopAt:   func(u *url.URL) bool { return u.Host == "localhost:3000" },
	})
	if page := open(t, b, "http://a.test/"); page.Status != http.StatusFound || page.Location().Query().Get("code") != "c" {
		t.Errorf("page %+v", page)
	}
}

func TestRealServerAndHandlersShareCookies(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		_, _ = fmt.Fprint(w, r.Cookies())
	})
	server := httptest.NewServer(echo)
	defer server.Close()
	b := browser.New(browser.Options{Base: server.Client().Transport, Handlers: map[string]http.Handler{
		"localhost:3000": echo, "example.com": echo,
	}})
	for _, tc := range []struct {
		url  string
		keep bool
	}{
		{"http://localhost:3000/", true}, // http on this machine counts as secure
		{server.URL, true},
		{"http://example.com/", false},
		{"https://example.com/", true},
	} {
		open(t, b, tc.url)
		if page := open(t, b, tc.url); strings.Contains(page.Body, "visits=1") != tc.keep {
			t.Errorf("%s: the second visit sent %s, want the cookie: %v", tc.url, page.Body, tc.keep)
		}
	}
	u, _ := url.Parse("http://localhost:3000/")
	if got := b.Cookies(u); len(got) != 1 || got[0].Value != "1" {
		t.Errorf("Cookies = %v", got)
	}
}

// No connection is left for the end of another test's server to close.
func TestNoConnectionIsKept(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	made, kept := 0, 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn:     func(httptrace.GotConnInfo) { made++ },
		PutIdleConn: func(error) { kept++ },
	})
	b := browser.New(browser.Options{})
	for range 2 {
		if _, err := b.Open(ctx, server.URL); err != nil {
			t.Fatal(err)
		}
	}
	if made != 2 || kept != 0 {
		t.Errorf("%d connections were made and %d kept, want 2 and none", made, kept)
	}
}

const page = `<!doctype html><form action="/search"><input name="q"></form>
<form method="post" action="do?x=1">
 <input type="hidden" name="token" value="a&amp;b"><input name="text" value="old"><input type="checkbox" name="box" value="1" checked>
 <input type="checkbox" name="box" value="2"><input type="checkbox" name="bare" checked><input type="radio" name="r" value="x"><input type="radio" name="r" value="y" checked>
 <textarea name="area">
line</textarea><select name="one"><option>first<option value="2" selected>second</select><select name="def"><option value="d">D</select>
 <input name="off" value="x" disabled><input type="file" name="file">
 <button name="go" value="yes">Yes</button><button name="go" value="no">No</button><button name="never" type="button" value="z">Z</button>
</form>`

func TestSubmit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fields url.Values
		want   string
	}{
		"as it stands": {url.Values{"go": {"yes"}}, "POST /do?x=1 area=line&bare=on&box=1&def=d&go=yes&one=2&r=y&text=old&token=a%26b"},
		"changed": {url.Values{"go": {"no"}, "text": {"new"}, "box": {"1", "2"}, "bare": nil},
			"POST /do?x=1 area=line&box=1&box=2&def=d&go=no&one=2&r=y&text=new&token=a%26b"},
		"by the Enter key": {url.Values{"text": {"new"}}, "POST /do?x=1 area=line&bare=on&box=1&def=d&go=yes&one=2&r=y&text=new&token=a%26b"},
		"the other form":   {url.Values{"q": {"a b"}}, "GET /search?q=a+b "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := browser.New(browser.Options{Handlers: map[string]http.Handler{"a.test": site(t, map[string]http.HandlerFunc{
				"/{$}": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, page) },
				"/": func(w http.ResponseWriter, r *http.Request) {
					if err := r.ParseForm(); err != nil {
						t.Error(err)
					}
					_, _ = fmt.Fprint(w, r.Method, " ", r.URL, " ", r.PostForm.Encode())
				},
			})}})
			open(t, b, "http://a.test/")
			got, err := b.Submit(t.Context(), tc.fields)
			if err != nil {
				t.Fatal(err)
			}
			if got.Body != tc.want {
				t.Errorf("sent\n%s\nwant\n%s", got.Body, tc.want)
			}
		})
	}
}

func TestSubmitNeedsTheForm(t *testing.T) {
	t.Parallel()
	b := browser.New(browser.Options{Handlers: map[string]http.Handler{
		"a.test": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, page) }),
	}})
	if _, err := b.Submit(t.Context(), url.Values{"q": {"x"}}); !errors.Is(err, browser.ErrNoForm) {
		t.Errorf("without a page: %v", err)
	}
	open(t, b, "http://a.test/")
	for _, fields := range []url.Values{{"nonsense": {"x"}}, {"go": {"maybe"}}, {"never": {"z"}}} {
		if _, err := b.Submit(t.Context(), fields); !errors.Is(err, browser.ErrNoForm) {
			t.Errorf("%v: %v", fields, err)
		}
	}
	if _, err := b.Consent(t.Context(), true); !errors.Is(err, browser.ErrNoForm) {
		t.Errorf("consent on another page: %v", err)
	}
}

func TestErrorsKeepTheQueryToThemselves(t *testing.T) {
	t.Parallel()
	b := browser.New(browser.Options{Base: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })})
	for _, to := range []string{"http://a.test/callback?code=s3cret", "http://a.test/%zz?code=s3cret"} {
		if _, err := b.Open(t.Context(), to); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v", err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
