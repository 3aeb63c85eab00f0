package demo

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/transport"
)

// config is what the environment says of the app and of whom to talk to.
type config struct {
	ClientID     string // empty: use the emulator
	ClientSecret oauth.Secret
	RedirectURL  string
	Issuer       string // empty: Roblox
	APIURL       string // empty: Roblox's, if the issuer is Roblox
	APIKey       oauth.Secret
	Scopes       []string // empty: what the issuer offers of what the demo can use
}

func configFrom(getenv func(string) string) (config, error) {
	c := config{
		ClientID:     getenv("ROBLOX_CLIENT_ID"),
		ClientSecret: oauth.Secret(getenv("ROBLOX_CLIENT_SECRET")),
		RedirectURL:  getenv("ROBLOX_REDIRECT_URL"),
		Issuer:       getenv("ROBLOX_ISSUER"),
		APIURL:       getenv("ROBLOX_API_URL"),
		APIKey:       oauth.Secret(getenv("ROBLOX_API_KEY")),
		Scopes:       strings.Fields(getenv("ROBLOX_SCOPES")),
	}
	if c.ClientID == "" {
		for _, name := range []string{"ROBLOX_CLIENT_SECRET", "ROBLOX_ISSUER", "ROBLOX_API_URL"} {
			if getenv(name) != "" {
				return config{}, fmt.Errorf("ROBLOX_CLIENT_ID: is not set, but %s is; set it too, or unset both to use the emulator", name)
			}
		}
	}
	return c, nil
}

func (c config) emulated() bool { return c.ClientID == "" }

// callback is a redirect URL that an HTTP server can answer.
type callback struct{ *url.URL }

func parseCallback(raw string) (callback, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return callback{}, fmt.Errorf("redirect URL %q: want http or https, a host and a path, as in http://localhost:3000/callback", raw)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return callback{u}, nil
}

// origin is the site's own address: cookies stick to its host, so the browser
// has to start where the callback will end.
func (c callback) origin() string { return c.Scheme + "://" + c.Host }

func (c callback) loopback() bool { return transport.IsLoopback(c.Hostname()) }

// port is the one that a browser will come to.
func (c callback) port() string {
	switch {
	case c.Port() != "":
		return c.Port()
	case c.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
