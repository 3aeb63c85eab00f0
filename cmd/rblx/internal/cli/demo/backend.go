package demo

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
)

// backend is whom the demo talks to: Roblox, another issuer, or the emulator.
type backend struct {
	Name         string // for people
	ClientID     string
	ClientSecret oauth.Secret
	Provider     *oauth.Provider // nil: Roblox
	Scopes       []string
	APIURL       string // empty: no Open Cloud there
	APIKey       oauth.Secret
	Transport    http.RoundTripper // to it; nil: the network
	Pace         time.Duration     // send budget and drain margin of refreshes
	Emulator     *emulator.Emulator
}

// emulated describes a running emulator.
func emulated(ctx context.Context, emu *emulator.Emulator, rt http.RoundTripper) (*backend, error) {
	o := emu.Options()
	b := &backend{
		Name:         "an emulator on this machine",
		ClientID:     o.ClientID,
		ClientSecret: oauth.Secret(o.ClientSecret),
		Scopes:       signin.Scopes(),
		APIURL:       o.URL,
		APIKey:       oauth.Secret(emu.APIKey()),
		Transport:    rt,
		Pace:         time.Second,
		Emulator:     emu,
	}
	var err error
	b.Provider, err = oauth.Discover(b.withClient(ctx), o.Issuer)
	return b, err
}

// remote describes what the environment names.
func remote(ctx context.Context, c config) (*backend, error) {
	provider, scopes, err := c.Reach(ctx)
	if err != nil {
		return nil, fmt.Errorf("ROBLOX_ISSUER: %w", err)
	}
	b := &backend{
		Name:         c.Issuer,
		ClientID:     c.ClientID,
		ClientSecret: c.ClientSecret,
		Provider:     provider,
		Scopes:       scopes,
		APIURL:       c.APIURL,
		APIKey:       c.APIKey,
		Pace:         2 * time.Second,
	}
	if provider == nil {
		b.Name = "Roblox"
		b.APIURL = cmp.Or(b.APIURL, "https://apis.roblox.com")
	}
	return b, nil
}

// withClient makes Discover use the backend's transport.
func (b *backend) withClient(ctx context.Context) context.Context {
	if b.Transport == nil {
		return ctx
	}
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: b.Transport})
}

// oauthConfig is the configuration of the app at this backend.
func (b *backend) oauthConfig(redirectURL string, store oauth.Store) oauth.Config {
	c := oauth.Config{
		ClientID:     b.ClientID,
		ClientSecret: b.ClientSecret,
		RedirectURL:  redirectURL,
		Scopes:       b.Scopes,
		Store:        store,
		Provider:     b.Provider,
		SendBudget:   b.Pace,
		DrainMargin:  b.Pace,
	}
	if b.Transport != nil {
		c.HTTPClient = &http.Client{Transport: b.Transport}
	}
	return c
}

// client returns a client of the backend's Open Cloud without a credential,
// or nil if it has none.
func (b *backend) client() (*opencloud.Client, error) {
	if b.APIURL == "" {
		return nil, nil
	}
	return opencloud.New(b.options(""))
}

// keyed returns the calls that take an API key, or nil if there is none.
func (b *backend) keyed() (*api.Client, error) {
	if b.APIURL == "" || b.APIKey == "" {
		return nil, nil
	}
	c, err := opencloud.New(b.options(b.APIKey))
	if err != nil {
		return nil, err
	}
	return api.New(c), nil
}

func (b *backend) options(key oauth.Secret) opencloud.Options {
	o := opencloud.Options{APIKey: string(key), BaseURL: b.APIURL, UserAgent: "rblx-demo"}
	if b.Transport != nil {
		o.HTTPClient = &http.Client{Transport: b.Transport}
	}
	return o
}

// offersResources reports whether the issuer tells what a grant is for.
func (b *backend) offersResources() bool {
	return b.Provider == nil || b.Provider.ResourcesURL != ""
}
