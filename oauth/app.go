package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// Config is what an application says of itself. Every field but ClientID,
// RedirectURL, Scopes and Store may stay zero.
type Config struct {
	ClientID string
	// ClientSecret is empty for a public client (desktop, command line), whose
	// only proof is PKCE.
	ClientSecret Secret
	// RedirectURL is one of those registered with Roblox, to the letter.
	RedirectURL string
	// Scopes to ask for; "openid" brings an ID token and with it the user's id.
	Scopes []string
	// Store keeps the grants: filestore or sqlitestore on one machine,
	// NewMemoryStore in tests. Whoever loses it has logged every user out.
	Store Store
	// Flows keeps sign-ins under way; nil means Store, where it can.
	Flows FlowStore
	// Provider is the authorization server; nil means Roblox. See Discover.
	Provider *Provider
	// HTTPClient's Transport carries requests to the provider. It must not
	// retry by itself: a refresh token sent twice is lost. Redirects are never
	// followed. nil means a transport made for it, which is recommended.
	HTTPClient *http.Client
	// Origins are further origins (scheme://host:port) that access tokens may
	// be sent to, beside Roblox's, or a discovered provider's own.
	Origins []string
	// SendBudget bounds the sending of a token request (10 s); DrainMargin is
	// how much longer one may still be under way (10 s, never less than
	// SendBudget). Two refreshes of a grant are at least their sum apart. Both
	// shrink with access tokens that live less than two minutes.
	SendBudget, DrainMargin time.Duration
	// OneGrantPerUser revokes a user's older grants of this client at each
	// sign-in. Without it each browser or device has a grant of its own.
	OneGrantPerUser bool
	// OnError answers a browser whose sign-in failed; nil shows a plain page.
	OnError func(http.ResponseWriter, *http.Request, *CallbackError)
	// OnTokenChange hears of every committed change of a grant, after the
	// commit and outside all locks. It should not block.
	OnTokenChange func(context.Context, TokenEvent)
	// Logger hears of every change of state; nil means silence. No secret is
	// ever handed to it.
	Logger *slog.Logger
}

// App signs users in and holds their grants. It is safe for concurrent use.
type App struct {
	config   Config
	provider Provider
	store    Store
	flows    FlowStore
	client   *http.Client // to the provider; follows no redirects
	origins  transport.Origins
	verifier *Verifier
	log      *slog.Logger
	circuit  circuit

	mu      sync.Mutex
	grants  map[GrantID]*grantState
	closed  bool
	closing chan struct{}  // closed with it
	work    sync.WaitGroup // flights and commits under way
}

// New checks c and returns its App. Errors name the field. It uses neither the
// network nor the store.
func New(c Config) (*App, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a := &App{
		config:   c,
		provider: Roblox(),
		store:    c.Store,
		flows:    c.Flows,
		client:   providerClient(c.HTTPClient),
		log:      c.Logger,
		grants:   map[GrantID]*grantState{},
		closing:  make(chan struct{}),
	}
	a.config.Scopes = slices.Clone(c.Scopes)
	if c.Provider != nil {
		a.provider = *c.Provider
	}
	if a.flows == nil {
		a.flows = c.Store.(FlowStore) // checked
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if a.origins, err = a.tokenOrigins(); err != nil {
		return nil, fmt.Errorf("oauth: Config.Origins: %w", err)
	}
	a.verifier = NewVerifier(a.provider, c.ClientID, a.client)
	return a, nil
}

const (
	defaultSendBudget  = 10 * time.Second
	defaultDrainMargin = 10 * time.Second
)

// check fills in defaults and names the first field that is wrong.
func (c *Config) check() error {
	wrong := func(field, format string, args ...any) error {
		return fmt.Errorf("oauth: Config.%s: %w", field, fmt.Errorf(format, args...))
	}
	if c.ClientID == "" {
		return wrong("ClientID", "is empty; Roblox shows it on the app's page")
	}
	if err := checkRedirectURL(c.RedirectURL); err != nil {
		return wrong("RedirectURL", "%w", err)
	}
	if len(c.Scopes) == 0 {
		return wrong("Scopes", `is empty; "openid" is the least`)
	}
	for _, s := range c.Scopes {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
			return wrong("Scopes", "%q is no scope; one scope an element", s)
		}
	}
	if c.Store == nil {
		return wrong("Store", "is nil; filestore.Open keeps grants on disk, NewMemoryStore forgets them")
	}
	if _, ok := c.Store.(FlowStore); !ok && c.Flows == nil {
		return wrong("Flows", "is nil, and %T is no FlowStore", c.Store)
	}
	if c.Provider != nil {
		if err := c.Provider.check(); err != nil {
			return wrong("Provider", "%w", err)
		}
	}
	if c.SendBudget == 0 {
		c.SendBudget = defaultSendBudget
	}
	if c.DrainMargin == 0 {
		c.DrainMargin = max(defaultDrainMargin, c.SendBudget)
	}
	if c.SendBudget < 0 {
		return wrong("SendBudget", "%v is negative", c.SendBudget)
	}
	if c.DrainMargin < c.SendBudget {
		return wrong("DrainMargin", "%v is less than SendBudget, %v", c.DrainMargin, c.SendBudget)
	}
	return nil
}

func checkRedirectURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return errors.New("is empty; it is one of those registered with Roblox")
	case err != nil || !u.IsAbs() || u.Opaque != "" || (u.Host == "" && (u.Scheme == "http" || u.Scheme == "https")):
		return fmt.Errorf("%q is no absolute URL", s)
	case u.Fragment != "" || strings.Contains(s, "#"):
		return fmt.Errorf("%q has a fragment", s)
	case u.User != nil:
		return errors.New("it holds a user name or password")
	case u.Scheme == "http" && !transport.IsLoopback(u.Hostname()):
		return fmt.Errorf("%q is plain http; only localhost, 127.0.0.1 and [::1] may be", s)
	case len(s) > 256:
		return fmt.Errorf("it has %d characters; Roblox takes 256", len(s))
	}
	return nil
}

// Format implements fmt.Formatter: an App shows as its client id with every
// verb, since fmt does not ask the fields of an unexported struct to redact.
func (a *App) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "oauth.App("+a.config.ClientID+")")
}

// Close waits for refreshes under way to be committed, or for ctx. After it,
// callers get ErrClosed once their access token has expired. Call it before
// the process ends: a refresh cut off between Roblox and the store is a user
// logged out.
func (a *App) Close(ctx context.Context) error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.closing)
	}
	a.mu.Unlock()
	done := make(chan struct{})
	go func() { a.work.Wait(); close(done) }()
	select {
	case <-done:
		a.client.CloseIdleConnections()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
