package demo

import (
	"fmt"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
)

// config is what the environment says of the app and of whom to talk to.
type config struct {
	signin.App        // without a ClientID: use the emulator
	APIURL     string // empty: Roblox's, if the issuer is Roblox
	APIKey     oauth.Secret
}

func configFrom(getenv func(string) string) (config, error) {
	c := config{
		App:    signin.FromEnvironment(getenv),
		APIURL: getenv("ROBLOX_API_URL"),
		APIKey: oauth.Secret(getenv("ROBLOX_API_KEY")),
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
