package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// PublishScope lets the holder of a token publish messages.
const PublishScope = "universe-messaging-service:publish"

// Scopes are those that the commands have a use for.
func Scopes() []string { return []string{"openid", "profile", PublishScope} }

// Reach finds the app's issuer and the scopes to ask it for. The provider is
// nil for Roblox, whose endpoints are compiled in.
func (a App) Reach(ctx context.Context) (*oauth.Provider, []string, error) {
	var provider *oauth.Provider
	scopes := a.Scopes
	if a.Issuer != "" && a.Issuer != oauth.Roblox().Issuer {
		var err error
		if provider, err = oauth.Discover(ctx, a.Issuer); err != nil {
			return nil, nil, err
		}
		if len(scopes) == 0 && provider.ResourcesURL == "" { // not of Roblox's kind, whose document lists few of its scopes
			if scopes, err = offeredScopes(ctx, a.Issuer); err != nil {
				return nil, nil, err
			}
		}
	}
	if len(scopes) == 0 {
		scopes = Scopes()
	}
	return provider, scopes, nil
}

// offeredScopes are those of an issuer that are of use, and the one that some
// want to be asked for before they give a refresh token. An issuer need not
// list its scopes; then it is the one that each has.
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
	wanted := append(Scopes(), "offline_access")
	return slices.DeleteFunc(wanted, func(s string) bool {
		return s != "openid" && !slices.Contains(doc.Scopes, s)
	}), nil
}

// LoginOptions ask for consent where a refresh token is given on no other
// terms (OpenID Connect Core 1.0 section 11).
func LoginOptions(scopes []string) oauth.LoginOptions {
	if slices.Contains(scopes, "offline_access") {
		return oauth.LoginOptions{Prompt: "consent"}
	}
	return oauth.LoginOptions{}
}

// NewTransport returns a transport of the kind that package oauth makes for
// itself, to be wrapped: HTTP/1.1 only, so that nothing is resent behind its
// back.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	return t
}
