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
	"sync/atomic"
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
	// Store keeps the grants: filestore or sqlitestore on one machine, pgstore or
	// redisstore on several, NewMemoryStore in tests. Whoever loses it has logged
	// every user out.
	Store Store
	// Flows keeps sign-ins under way; nil means Store, where it can.
	Flows FlowStore
	// FlowsInCookies keeps a sign-in under way in the browser's cookie, sealed by
	// Sealer, so that visitors of a login page write nothing to Flows. It holds
	// only the ids of those that came back, until they expire: each works once.
	FlowsInCookies bool
	// Sealer encrypts the tokens in Store; see package tinkseal. nil leaves them
	// plain, which is for a store on this machine's own encrypted disk.
	Sealer Sealer
	// AcceptUnsealed lets rows that were written without Sealer be used, which
	// seals each at its next refresh. Set it while a store is taken over, no
	// longer: it lets whoever can write to the store pass off tokens as a user's.
	AcceptUnsealed bool
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
	// SendBudget). Two refreshes of a grant are at least their sum apart. What a
	// process left behind that was killed while it refreshed is taken up after
	// their sum, by the store's clock, and but for a FlightLocker also by that of
	// whoever takes it up, who may have been started since. Both shrink with
	// access tokens that live less than two minutes.
	SendBudget, DrainMargin time.Duration
	// OneGrantPerUser revokes a user's older active grants of this client at each
	// sign-in. Without it each browser or device has a grant of its own.
	OneGrantPerUser bool
	// CacheBytes bounds the memory that access tokens in use take, about 1.3 kB
	// each; 0 means 24 MiB. Beyond it the grants used least lately give way, and
	// are read from the store when they are used again.
	CacheBytes int
	// OnError answers a browser whose sign-in failed; nil shows a plain page.
	OnError func(http.ResponseWriter, *http.Request, *CallbackError)
	// OnTokenChange hears of every committed change of a grant, after the
	// commit and outside all locks. It should not block.
	OnTokenChange func(context.Context, TokenEvent)
	// Trace counts and times what happens; nil means nobody does.
	Trace *Trace
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
	keeping  circuit // the keeper's: refusals of idle grants are judged by themselves
	recent   recentRows
	runs     sync.Map // of the store, as noticed
	latest   atomic.Pointer[noticedRun]

	health   storeHealth
	grants   *grantCache
	revoked  revocations
	started  time.Time
	watching sync.Once

	mu      sync.Mutex
	closed  bool
	closing context.Context // ends with it
	close   context.CancelFunc
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
		log:      slog.New(slog.DiscardHandler),
		health:   storeHealth{looks: make(chan struct{}, confirmsAtOnce)},
		started:  time.Now(),
	}
	a.closing, a.close = context.WithCancel(context.Background())
	a.grants = newGrantCache(a, c.CacheBytes)
	a.config.Scopes = slices.Clone(c.Scopes)
	if c.Provider != nil {
		a.provider = *c.Provider
	}
	if a.flows == nil {
		a.flows = c.Store.(FlowStore) // checked
	}
	if c.Logger != nil {
		a.log = slog.New(calmHandler{c.Logger.Handler()})
	}
	if c.Sealer == nil && !isLocal(c.Store) {
		a.log.Warn("tokens are stored unsealed where other machines may read them; set Config.Sealer", "store", fmt.Sprintf("%T", c.Store))
	}
	var err error
	if a.origins, err = a.tokenOrigins(); err != nil {
		return nil, fmt.Errorf("oauth: Config.Origins: %w", err)
	}
	a.verifier = NewVerifier(a.provider, c.ClientID, a.client)
	a.verifier.keys.closing = a.closing
	return a, nil
}

const (
	defaultSendBudget  = 10 * time.Second
	defaultDrainMargin = 10 * time.Second
)

// malformed reports whether s cannot be a client's id or secret (RFC 6749,
// appendix A). What is read from a file often ends with a line break, which a
// provider would refuse at the first sign-in only.
func malformed(s string) bool {
	return s != strings.TrimSpace(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// check fills in defaults and names the first field that is wrong.
func (c *Config) check() error {
	wrong := func(field, format string, args ...any) error {
		return fmt.Errorf("oauth: Config.%s: %w", field, fmt.Errorf(format, args...))
	}
	if c.ClientID == "" {
		return wrong("ClientID", "is empty; Roblox shows it on the app's page")
	}
	if malformed(c.ClientID) {
		return wrong("ClientID", "has a character that none has, such as a line break at its end")
	}
	if malformed(string(c.ClientSecret)) {
		return wrong("ClientSecret", "has a character that none has, such as a line break at its end")
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
	if c.FlowsInCookies && c.Sealer == nil {
		return wrong("FlowsInCookies", "is set, and Sealer is nil; a cookie must be sealed")
	}
	if c.AcceptUnsealed && c.Sealer == nil {
		return wrong("AcceptUnsealed", "is set, and Sealer is nil: nothing would ever be sealed")
	}
	if c.Provider != nil {
		if err := c.Provider.check(); err != nil {
			return wrong("Provider", "%w", err)
		}
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.CacheBytes < 0 {
		return wrong("CacheBytes", "%d is negative", c.CacheBytes)
	}
	if c.Trace == nil {
		c.Trace = &Trace{}
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
		a.close()
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
