package opencloud

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
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
	// credential; its Timeout, Jar and CheckRedirect hold for every call.
	// nil means one with http.DefaultTransport and no timeout.
	HTTPClient *http.Client `json:"-"`
	// UserAgent stands before the library's own in the User-Agent header.
	UserAgent string
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
	if o.APIKey == "" {
		return o.Credential, nil
	}
	if o.Credential != nil {
		return nil, errors.New("opencloud: Options.APIKey and Options.Credential exclude each other, set one")
	}
	for _, c := range []byte(o.APIKey) {
		if c <= ' ' || c > '~' {
			return nil, errors.New("opencloud: Options.APIKey has a character that no API key has, such as a space or line break")
		}
	}
	return transport.NewAPIKey(o.APIKey), nil
}

// base returns the base URL without a trailing slash, and the origins that a
// credential may be sent to.
func (o Options) base() (string, transport.Origins, error) {
	base := strings.TrimRight(o.BaseURL, "/")
	if o.BaseURL == "" || base == defaultBaseURL {
		origins, err := transport.ParseOrigins(defaultBaseURL, thumbnailsURL)
		return defaultBaseURL, origins, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", transport.Origins{}, errors.New("opencloud: Options.BaseURL is not a URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", transport.Origins{}, errors.New("opencloud: Options.BaseURL has a user, query or fragment, give scheme, host and path only")
	}
	origins, err := transport.ParseOrigins(u.Scheme + "://" + u.Host)
	if err != nil {
		return "", transport.Origins{}, fmt.Errorf("opencloud: Options.BaseURL: %w", err)
	}
	return base, origins, nil
}

func (o Options) userAgent() (string, error) {
	if strings.ContainsFunc(o.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("opencloud: Options.UserAgent has a character that no header may have")
	}
	return strings.TrimSpace(o.UserAgent + " " + defaultUserAgent), nil
}

// client returns the http.Client that calls with cred go through.
func (o Options) client(cred transport.Credential, allowed transport.Origins) *http.Client {
	hc := http.Client{}
	if o.HTTPClient != nil {
		hc = *o.HTTPClient
	}
	if hc.CheckRedirect == nil {
		hc.CheckRedirect = sameVerb
	}
	hc.Transport = transport.Stack(hc.Transport, cred, allowed)
	return &hc
}

// sameVerb follows a redirect unless it would turn a write into a read, whose
// answer would then be taken for the write's.
func sameVerb(r *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if r.Method != via[0].Method {
		return http.ErrUseLastResponse
	}
	return nil
}
