package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/rblx-go/opencloud/api/oauthv1"
)

// UserInfo asks the provider who the user is. Names change; Sub does not.
func (g *Grant) UserInfo(ctx context.Context) (*oauthv1.UserInfo, error) {
	a := g.app()
	if a.provider.UserInfoURL == "" {
		return nil, &ProviderError{Endpoint: "userinfo", Err: ErrNotOffered}
	}
	snap, err := g.live().usable(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.provider.UserInfoURL, nil)
	if err != nil {
		return nil, &ProviderError{Endpoint: "userinfo", Err: err}
	}
	req.Header["Authorization"] = snap.header()
	info := new(oauthv1.UserInfo)
	return info, call(a.client, "userinfo", req, info, snap.token())
}

// Resources asks which universes, users and groups the user has let the app
// act for. Most scopes do nothing without one.
func (g *Grant) Resources(ctx context.Context) (*oauthv1.Resources, error) {
	result := new(oauthv1.Resources)
	return result, g.ask(ctx, "resources", g.app().provider.ResourcesURL, result)
}

// Introspect asks the provider about the access token (RFC 7662). Roblox calls
// a token active until it expires, revoked or not: this is no test of life.
func (g *Grant) Introspect(ctx context.Context) (*oauthv1.Introspection, error) {
	result := new(oauthv1.Introspection)
	return result, g.ask(ctx, "introspect", g.app().provider.IntrospectionURL, result)
}

func (g *Grant) ask(ctx context.Context, endpoint, at string, result any) error {
	if at == "" {
		return &ProviderError{Endpoint: endpoint, Err: ErrNotOffered}
	}
	snap, err := g.live().usable(ctx)
	if err != nil {
		return err
	}
	return g.app().callForm(ctx, endpoint, at, url.Values{"token": {snap.token()}}, result)
}

// decode turns an answer of the provider into result or a *ProviderError.
func decode(endpoint string, resp *http.Response, result any, secrets []string) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	members, _ := readMembers(body)
	fail := &ProviderError{
		Endpoint:    endpoint,
		Status:      resp.StatusCode,
		Code:        errorCode(text(members["error"])),
		Description: describe(text(members["error_description"]), secrets),
		RetryAfter:  retryAfter(resp.Header, time.Now()),
	}
	switch {
	case resp.StatusCode/100 != 2:
		return fail
	case err != nil:
		fail.Err = err
		return fail
	case result == nil:
		return nil
	}
	if json.Unmarshal(body, result) != nil { // its error may quote the body
		fail.Err = errors.New("it is not of the form expected")
		return fail
	}
	return nil
}
