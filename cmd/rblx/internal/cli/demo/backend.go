package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
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

// publishScope lets the holder of a token publish messages.
const publishScope = "universe-messaging-service:publish"

// wantedScopes are those that the demo has a use for.
func wantedScopes() []string { return []string{"openid", "profile", publishScope} }

// emulated describes a running emulator.
func emulated(ctx context.Context, emu *emulator.Emulator, rt http.RoundTripper) (*backend, error) {
	o := emu.Options()
	b := &backend{
		Name:         "an emulator on this machine",
		ClientID:     o.ClientID,
		ClientSecret: oauth.Secret(o.ClientSecret),
		Scopes:       wantedScopes(),
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
	b := &backend{
		Name:         "Roblox",
		ClientID:     c.ClientID,
		ClientSecret: c.ClientSecret,
		Scopes:       c.Scopes,
		APIURL:       c.APIURL,
		APIKey:       c.APIKey,
		Pace:         2 * time.Second,
	}
	offered := wantedScopes()
	if c.Issuer == "" || c.Issuer == oauth.Roblox().Issuer {
		if b.APIURL == "" {
			b.APIURL = "https://apis.roblox.com"
		}
	} else {
		var err error
		if b.Provider, err = oauth.Discover(ctx, c.Issuer); err != nil {
			return nil, fmt.Errorf("ROBLOX_ISSUER: %w", err)
		}
		b.Name = c.Issuer
		if !b.offersResources() { // not of Roblox's kind, whose document lists few of its scopes
			if offered, err = offeredScopes(ctx, c.Issuer); err != nil {
				return nil, fmt.Errorf("ROBLOX_ISSUER: %w", err)
			}
		}
	}
	if len(b.Scopes) == 0 {
		b.Scopes = offered
	}
	return b, nil
}

// offeredScopes are those of an issuer that the demo wants, and the one that
// some want to be asked for before they give a refresh token. An issuer need
// not list its scopes; then it is the one that each has.
func offeredScopes(ctx context.Context, issuer string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	url := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var doc struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&doc); err != nil {
		return nil, fmt.Errorf("the discovery document: %w", err)
	}
	if len(doc.Scopes) == 0 {
		return []string{"openid"}, nil
	}
	wanted := append(wantedScopes(), "offline_access")
	return slices.DeleteFunc(wanted, func(s string) bool {
		return s != "openid" && !slices.Contains(doc.Scopes, s)
	}), nil
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

// login asks for consent where a refresh token is given on no other terms
// (OpenID Connect Core 1.0 section 11).
func (b *backend) login() oauth.LoginOptions {
	if slices.Contains(b.Scopes, "offline_access") {
		return oauth.LoginOptions{Prompt: "consent"}
	}
	return oauth.LoginOptions{}
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
