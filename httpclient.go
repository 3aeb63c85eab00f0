package opencloud

import (
	"errors"
	"net/http"

	"github.com/rblx-go/opencloud/transport"
)

// client returns the http.Client that sends calls with cred over wire.
func (o Options) client(cred transport.Credential, wire http.RoundTripper, l transport.Layers) *http.Client {
	hc := http.Client{}
	if o.HTTPClient != nil {
		hc = *o.HTTPClient
	}
	follow := hc.CheckRedirect
	if follow == nil {
		follow = redirectPolicy(l.Allowed)
	}
	hc.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		r.Header.Del("Referer") // the URL before, with its query
		if o.authenticatesEverywhere() && !l.Allowed.Allows(r.URL) {
			return errors.New("refused a redirect to another origin, which Options.HTTPClient would send its credential to")
		}
		return follow(r, via)
	}
	if cred != nil && o.authenticates() {
		hc.Transport = twoCredentials{}
		return &hc
	}
	l.Credential = cred
	hc.Transport = redirects{transport.Stack(wire, l)}
	return &hc
}

// redirects has http.Client return a redirect that leads to no URL as it is, as
// it does with one that leads nowhere. Its error would have the Location in its
// text, which may be signed, and not the status.
type redirects struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t redirects) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err != nil || resp.StatusCode/100 != 3 {
		return resp, err
	}
	if _, err := r.URL.Parse(resp.Header.Get("Location")); err != nil {
		resp.Header.Del("Location")
	}
	return resp, nil
}

// twoCredentials refuses what Options.HTTPClient would send with a credential
// that Client.As was to replace.
type twoCredentials struct{}

func (twoCredentials) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close() // it is not sent
	}
	return nil, invalid("Options.HTTPClient brings a credential of its own, use Client.As with a client that has none")
}

// redirectPolicy follows a redirect unless it would turn a write into a read,
// whose answer would then be taken for the write's, or send a body elsewhere or
// anything in the clear.
func redirectPolicy(allowed transport.Origins) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= 10:
			return errors.New("stopped after 10 redirects")
		case r.Method != via[0].Method:
			return http.ErrUseLastResponse
		case r.URL.Scheme != "https" && !transport.IsLoopback(r.URL.Hostname()):
			return errors.New("refused a redirect to plain http")
		case r.Body != nil && r.Body != http.NoBody && !allowed.Allows(r.URL):
			return errors.New("refused a redirect of the request's body to another origin")
		}
		return nil
	}
}
