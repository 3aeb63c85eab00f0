package opencloud

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/transport"
)

const (
	defaultBaseURL   = "https://apis.roblox.com"
	thumbnailsURL    = "https://thumbnails.roblox.com"
	defaultUserAgent = "rblx-go-opencloud"
)

// Options configure a [Client]. The zero Options is a client without a
// credential, to be used through [Client.As].
type Options struct {
	// APIKey is an Open Cloud API key. It excludes Credential.
	APIKey string `json:"-"`
	// Credential authenticates in place of an API key.
	Credential transport.Credential `json:"-"`
	// BaseURL is where the API is reached; empty means https://apis.roblox.com.
	// It is https, or plain http on a loopback host, and may have a path.
	// The credential is sent to its origin only.
	BaseURL string
	// HTTPClient sends the requests. Its Transport is used beneath the
	// credential; its Timeout, Jar and CheckRedirect hold for every call, the
	// Timeout for all attempts together. If it authenticates by itself, as
	// oauth2.NewClient's do, APIKey and Credential must be empty, and all calls count
	// towards the same rate limits; oauth2.NewClient's follow no redirect to another
	// origin, which would get the token too.
	// nil means one with http.DefaultTransport and no timeout.
	HTTPClient *http.Client `json:"-"`
	// UserAgent stands before the library's own in the User-Agent header.
	UserAgent string
	// Attempts is how often a call is sent at most if it fails for the moment
	// and may be sent again; transport.Retry says what may, and when. 0 means 4;
	// with 1 no call is sent again, but for what net/http does with one that may
	// be when its connection turns out to be dead.
	Attempts int
	// Unpaced sends calls at once. By default a call waits, as long as its
	// context allows, while the rate limit of its method has no room.
	Unpaced bool
	// Budget shares the rate limits with other processes; nil counts what this
	// Client sends.
	Budget transport.Budget `json:"-"`
	// Telemetry hears of each attempt and each wait: a
	// transport.NewLog, what package oteltransport makes, or both. nil costs
	// nothing.
	Telemetry []transport.Telemetry `json:"-"`
}

// Format keeps the API key out of all verbs of fmt.
func (o Options) Format(f fmt.State, _ rune) {
	key := ""
	if o.APIKey != "" {
		key = "[redacted]"
	}
	_, _ = fmt.Fprintf(f, "{APIKey:%s BaseURL:%s UserAgent:%s}", key, o.BaseURL, o.UserAgent)
}

// LogValue keeps the API key out of logs.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// credential returns the one credential that the options name, nil for none.
func (o Options) credential() (transport.Credential, error) {
	if (o.APIKey != "" || o.Credential != nil) && o.authenticates() {
		return nil, errors.New("opencloud: Options.HTTPClient brings a credential of its own, set it or Options.APIKey and Options.Credential")
	}
	if o.APIKey == "" {
		return o.Credential, nil
	}
	if o.Credential != nil {
		return nil, errors.New("opencloud: Options.APIKey and Options.Credential exclude each other, set one")
	}
	if err := transport.CheckAPIKey(o.APIKey); err != nil {
		return nil, fmt.Errorf("opencloud: Options.APIKey: %w", err)
	}
	return transport.NewAPIKey(o.APIKey), nil
}

// base returns the base URL without a trailing slash, and the origins that a
// credential may be sent to.
func (o Options) base() (*url.URL, transport.Origins, error) {
	official := o.BaseURL == "" || strings.TrimRight(o.BaseURL, "/") == defaultBaseURL
	if official {
		o.BaseURL = defaultBaseURL
	}
	u, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil {
		return nil, transport.Origins{}, errors.New("opencloud: Options.BaseURL is not a URL")
	}
	if u.User != nil || strings.ContainsAny(o.BaseURL, "?#") {
		return nil, transport.Origins{}, errors.New("opencloud: Options.BaseURL has a user, query or fragment, give scheme, host and path only")
	}
	if u.Host == "" {
		return nil, transport.Origins{}, errors.New("opencloud: Options.BaseURL has no host, give it as in " + defaultBaseURL)
	}
	allowed := []string{u.Scheme + "://" + u.Host}
	if official {
		allowed = append(allowed, thumbnailsURL)
	}
	origins, err := transport.ParseOrigins(allowed...)
	if err != nil {
		return nil, transport.Origins{}, fmt.Errorf("opencloud: Options.BaseURL: %w", err)
	}
	return u, origins, nil
}

func (o Options) userAgent() (string, error) {
	if strings.ContainsFunc(o.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("opencloud: Options.UserAgent has a character that no header may have")
	}
	return strings.TrimSpace(o.UserAgent + " " + defaultUserAgent), nil
}

// layers returns what all views of a client have in common.
func (o Options) layers(allowed transport.Origins) (transport.Layers, error) {
	l := transport.Layers{Allowed: allowed, Telemetry: o.Telemetry}
	switch {
	case slices.Contains(o.Telemetry, nil):
		return l, errors.New("opencloud: Options.Telemetry has an element that is nil, leave it out")
	case o.Attempts < 0:
		return l, errors.New("opencloud: Options.Attempts is negative, set 1 to send no call again")
	case o.Unpaced && o.Budget != nil:
		return l, errors.New("opencloud: Options.Unpaced and Options.Budget exclude each other, set one")
	}
	if o.Attempts != 1 {
		l.Retry = &transport.Retry{Attempts: o.Attempts}
	}
	if !o.Unpaced {
		l.Pacer = &transport.Pacer{Budget: o.Budget}
	}
	return l, nil
}

// authenticates reports whether HTTPClient has a credential: one of this
// module's, or that of golang.org/x/oauth2, which nothing here imports.
func (o Options) authenticates() bool {
	if o.HTTPClient == nil {
		return false
	}
	c, ok := o.HTTPClient.Transport.(interface{ CredentialID() string })
	return ok && c.CredentialID() != "" || o.authenticatesEverywhere()
}

// authenticatesEverywhere reports whether HTTPClient sends its credential to
// whatever host.
func (o Options) authenticatesEverywhere() bool {
	return o.HTTPClient != nil && fmt.Sprintf("%T", o.HTTPClient.Transport) == "*oauth2.Transport"
}
