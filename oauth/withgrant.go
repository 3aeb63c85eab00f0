package oauth

import (
	"context"
	"errors"
	"net/http"
)

// ErrNoGrantInContext says that a request of App.Client has no grant in its
// context. Nothing was sent.
var ErrNoGrantInContext = errors.New("the request's context carries no grant; put one in with WithGrant")

type grantKey struct{}

// WithGrant returns a context for requests of App.Client in the name of g's
// user.
func WithGrant(ctx context.Context, g *Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

func grantOf(ctx context.Context) (*Grant, error) {
	if g, _ := ctx.Value(grantKey{}).(*Grant); g != nil {
		return g, nil
	}
	return nil, ErrNoGrantInContext
}

// Client returns an http.Client for all users: each request carries the token
// of the grant in its context, see WithGrant, and fails with
// ErrNoGrantInContext where there is none. It sends tokens to the same origins
// as Grant.Client; requests to others pass without. Typed clients need none of
// this: opencloud's Client.As is cheap enough for a client a user, and counts
// the rate limits of each user apart, which one client over this one cannot.
func (a *App) Client() *http.Client {
	return &http.Client{Transport: &Transport{Origins: a.origins}}
}
