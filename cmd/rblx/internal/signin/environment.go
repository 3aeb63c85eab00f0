// Package signin is what the commands that sign somebody in have in common:
// the app that the environment names, its issuer, and a sign-in without a
// person.
package signin

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/transport"
)

// App is an app and its issuer as the environment names them.
type App struct {
	ClientID     string
	ClientSecret oauth.Secret // empty: a public client
	RedirectURL  string
	Issuer       string   // empty: Roblox
	Scopes       []string // empty: what the issuer offers of what is of use
}

// FromEnvironment reads the ROBLOX_ variables.
func FromEnvironment(getenv func(string) string) App {
	return App{
		ClientID:     getenv("ROBLOX_CLIENT_ID"),
		ClientSecret: oauth.Secret(getenv("ROBLOX_CLIENT_SECRET")),
		RedirectURL:  getenv("ROBLOX_REDIRECT_URL"),
		Issuer:       getenv("ROBLOX_ISSUER"),
		Scopes:       strings.Fields(getenv("ROBLOX_SCOPES")),
	}
}

// Callback is a redirect URL that an HTTP server can answer.
type Callback struct{ *url.URL }

// ParseCallback fails where no HTTP server can answer, as with an app's own
// scheme.
func ParseCallback(raw string) (Callback, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Callback{}, fmt.Errorf("redirect URL %q: want http or https, a host and a path, as in http://localhost:3000/callback", raw)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return Callback{u}, nil
}

// Origin is the site's own address: cookies stick to its host, so the browser
// has to start where the callback will end.
func (c Callback) Origin() string { return c.Scheme + "://" + c.Host }

// Loopback reports whether it leads to this machine.
func (c Callback) Loopback() bool { return transport.IsLoopback(c.Hostname()) }

// PortNumber is the port that a browser will come to.
func (c Callback) PortNumber() string {
	switch {
	case c.Port() != "":
		return c.Port()
	case c.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
