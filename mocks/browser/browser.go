// Package browser is a browser without a window, for tests and the command
// line: it keeps cookies, follows redirects and fills in HTML forms. It runs
// no script.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Options configure a [Browser]. The zero value works.
type Options struct {
	// Base carries the requests that no handler takes; nil means the network, and
	// a connection for each.
	Base http.RoundTripper
	// Handlers serve hosts in process, by the host (and port) of the URL, such
	// as "localhost:3000".
	Handlers map[string]http.Handler
	// StopAt, if set, ends the following of redirects before a URL for which it
	// is true, such as a callback that somebody else is to be handed. The page
	// then is the redirect itself, and its Location the URL.
	StopAt func(*url.URL) bool
}

// Browser is one browser with its own cookies. Its methods may not be called
// concurrently.
type Browser struct {
	client *http.Client
	stopAt func(*url.URL) bool
	page   *Page
}

// Page is what the browser shows.
type Page struct {
	URL    *url.URL // where the redirects ended
	Status int
	Header http.Header
	Body   string
	// Trail are the URLs that were visited on the way, the first one asked for
	// and URL included.
	Trail []*url.URL
}

// Location is where a redirect that was not followed leads, or nil.
func (p *Page) Location() *url.URL {
	to, err := p.URL.Parse(p.Header.Get("Location"))
	if err != nil || p.Header.Get("Location") == "" {
		return nil
	}
	return to
}

const (
	maxRedirects = 20
	maxPage      = 4 << 20
)

// ErrTooManyRedirects is returned when a page redirects for ever.
var ErrTooManyRedirects = errors.New("browser: more than 20 redirects")

// network returns a transport that keeps no connection. Those that
// http.DefaultTransport keeps are closed whenever an httptest.Server ends, also
// while an answer without a body is on its way.
func network() http.RoundTripper {
	shared, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := shared.Clone()
	own.DisableKeepAlives = true
	return own
}

// New returns a browser with an empty cookie jar.
func New(opts Options) *Browser {
	base := opts.Base
	if base == nil {
		base = network()
	}
	jar, _ := cookiejar.New(nil) // fails never
	return &Browser{
		stopAt: opts.StopAt,
		client: &http.Client{
			Transport:     router{base, opts.Handlers},
			Jar:           localJar{jar},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Page returns the page that is shown, nil before the first.
func (b *Browser) Page() *Page { return b.page }

// Cookies returns the cookies the browser would send to a URL.
func (b *Browser) Cookies(u *url.URL) []*http.Cookie { return b.client.Jar.Cookies(u) }

// Open visits a URL, absolute or relative to the page.
func (b *Browser) Open(ctx context.Context, rawURL string) (*Page, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("browser: the URL is not well formed") // it may hold a code
	}
	if b.page != nil {
		u = b.page.URL.ResolveReference(u)
	}
	return b.visit(ctx, http.MethodGet, u, nil)
}

// visit makes a request and follows its redirects: a 307 or 308 repeats it,
// others turn it into a GET.
func (b *Browser) visit(ctx context.Context, method string, u *url.URL, form url.Values) (*Page, error) {
	var trail []*url.URL
	for range maxRedirects {
		trail = append(trail, u)
		page, err := b.fetch(ctx, method, u, form)
		if err != nil {
			return nil, err
		}
		page.Trail = trail
		b.page = page
		to := page.Location()
		if page.Status < 300 || page.Status > 399 || to == nil || b.stopAt != nil && b.stopAt(to) {
			return page, nil
		}
		if page.Status != http.StatusTemporaryRedirect && page.Status != http.StatusPermanentRedirect {
			method, form = http.MethodGet, nil
		}
		u = to
	}
	return nil, ErrTooManyRedirects
}

func (b *Browser) fetch(ctx context.Context, method string, u *url.URL, form url.Values) (*Page, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, errors.New("browser: the request is not well formed")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if b.page != nil {
			req.Header.Set("Origin", b.page.URL.Scheme+"://"+b.page.URL.Host)
		}
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	res, err := b.client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // without the URL, which may hold a code
		}
		return nil, fmt.Errorf("browser: %s %s%s: %w", method, u.Host, u.EscapedPath(), err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("browser: %s %s%s: %w", method, u.Host, u.EscapedPath(), err)
	}
	return &Page{URL: u, Status: res.StatusCode, Header: res.Header, Body: string(text)}, nil
}
