package emulator

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Reuse says what becomes of a refresh token that is presented after it has
// been redeemed: [ReuseRevoke], [ReuseReject] or a [ReuseGrace].
type Reuse string

const (
	// ReuseRevoke refuses it and revokes every token of its grant, as RFC 9700
	// section 4.14.2 advises. It is the default.
	ReuseRevoke Reuse = "revoke"
	// ReuseReject refuses it and leaves the grant alone.
	ReuseReject Reuse = "reject"
)

// ReuseGrace answers the immediate predecessor of the live refresh token with
// the same successor for d after it was redeemed; any other reuse revokes the
// grant.
func ReuseGrace(d time.Duration) Reuse { return Reuse("grace=" + d.String()) }

// grace returns the window of a ReuseGrace, zero for the other policies.
func (p Reuse) grace() (time.Duration, error) {
	switch text, ok := strings.CutPrefix(string(p), "grace="); {
	case ok:
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return 0, fmt.Errorf("emulator: RefreshReuse %q: want a positive duration, as in grace=10s", string(p))
		}
		return d, nil
	case p == ReuseReject, p == ReuseRevoke:
		return 0, nil
	default:
		return 0, fmt.Errorf("emulator: RefreshReuse %q: want reject, revoke or grace=10s", string(p))
	}
}

// Options configure an [Emulator]. The zero value works.
type Options struct {
	// URL is the address the emulator is reached at, without a path. It stands
	// in the discovery document. "" means http://localhost.
	URL string
	// Issuer is the iss of ID tokens, apart from the endpoints' URLs; it ends
	// with a slash. "" means URL + "/oauth/".
	Issuer string
	// ClientID is the one registered app. "" means [DefaultClientID].
	ClientID string
	// ClientSecret makes the app a confidential client. "" makes it a public
	// one, which sends no secret and must use PKCE.
	ClientSecret Secret
	// RedirectURLs are matched exactly; at most ten. Empty means
	// [DefaultRedirectURL].
	RedirectURLs []string
	// APIKey is the one key Open Cloud accepts. "" means a random one, which
	// [Emulator.APIKey] returns.
	APIKey Secret

	// AccessTTL is the life of an access token, 15 minutes unless set, at
	// least two seconds. Answers say a second less, as Roblox's do.
	AccessTTL time.Duration
	// RefreshTTL is the life of each refresh token, 90 days unless set.
	RefreshTTL time.Duration
	// RefreshReuse is ReuseRevoke unless set.
	RefreshReuse Reuse

	// AutoConsent answers an authorization request at once as the first
	// account, with everything it owns, instead of showing the consent page.
	AutoConsent bool
	// SendIssuer adds iss to the answer of an authorization (RFC 9207), which
	// Roblox does not do.
	SendIssuer bool
	// IntrospectRevoked makes introspection call a revoked or redeemed token
	// inactive, where Roblox calls a token active until it expires.
	IntrospectRevoked bool
}

// Format writes where the emulator is, whatever the verb, and no secret.
func (e *Emulator) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "emulator at %s", e.opts.URL)
}

// Secret is a string that prints as "[redacted]".
type Secret string

// Format writes "[redacted]", whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = f.Write([]byte("[redacted]"))
	}
}

// MarshalText returns "[redacted]" too.
func (s Secret) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }

const (
	// DefaultClientID is an id too long for a 64-bit integer, as Roblox's are.
	DefaultClientID = "700000000000000000000000001"
	// DefaultRedirectURL is the callback that is registered when no other is.
	DefaultRedirectURL = "http://localhost:3000/callback"
)

// complete fills in the defaults and names the first field that cannot work.
func (o *Options) complete() error {
	o.URL = strings.TrimSuffix(orDefault(o.URL, "http://localhost"), "/")
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.Path != "" || base.RawQuery != "" || (base.Scheme != "http" && base.Scheme != "https") {
		return fmt.Errorf("emulator: URL %q: want a scheme and a host, as in http://127.0.0.1:8080", o.URL)
	}
	o.Issuer = orDefault(o.Issuer, o.URL+"/oauth/")
	if u, err := url.Parse(o.Issuer); err != nil || u.Scheme == "" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("emulator: Issuer %q: want an absolute URL", o.Issuer)
	}
	o.ClientID = orDefault(o.ClientID, DefaultClientID)
	o.APIKey = orDefault(o.APIKey, Secret(rand.Text()))
	if len(o.RedirectURLs) == 0 {
		o.RedirectURLs = []string{DefaultRedirectURL}
	}
	if len(o.RedirectURLs) > 10 {
		return fmt.Errorf("emulator: RedirectURLs: %d of them, Roblox registers at most 10", len(o.RedirectURLs))
	}
	for _, raw := range o.RedirectURLs {
		if err := checkRedirectURL(raw); err != nil {
			return fmt.Errorf("emulator: RedirectURLs: %q: %w", raw, err)
		}
	}
	o.AccessTTL = orDefault(o.AccessTTL, 15*time.Minute)
	if o.AccessTTL < 2*time.Second {
		return fmt.Errorf("emulator: AccessTTL %v: at least 2s, lifetimes are whole seconds on the wire", o.AccessTTL)
	}
	o.RefreshTTL = orDefault(o.RefreshTTL, 90*24*time.Hour)
	if o.RefreshTTL < o.AccessTTL {
		return fmt.Errorf("emulator: RefreshTTL %v: shorter than AccessTTL %v", o.RefreshTTL, o.AccessTTL)
	}
	o.RefreshReuse = orDefault(o.RefreshReuse, ReuseRevoke)
	_, err = o.RefreshReuse.grace()
	return err
}

// checkRedirectURL holds the rules of Roblox's app registration: https, http
// on this machine, or an app's own scheme; no fragment; 256 characters.
func checkRedirectURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme == "":
		return errors.New("not an absolute URL")
	case len(raw) > 256:
		return errors.New("longer than 256 characters")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return errors.New("has a fragment")
	case u.User != nil:
		return errors.New("has a user name")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("http is for localhost only")
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
		return errors.New("has no host")
	case u.Scheme == "javascript" || u.Scheme == "data":
		return errors.New("has a scheme that no app answers to")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
