// Package demo is the command "rblx demo": a small web app that signs its
// visitor in with Roblox, calls Open Cloud for them and shows how their tokens
// rotate; and the same journey without a browser.
package demo

import (
	"fmt"
	"math"
	"os"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
)

const defaultPort = 3000

// Command returns rblx demo.
func Command() *cobra.Command {
	var (
		port        int
		headless    bool
		redirectURL string
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Sign in with Roblox on a web page and watch the tokens rotate",
		Long: `Demo is a small web app: sign in with Roblox, see who you are and what you
granted, publish a message, read and write a data store entry, rotate tokens.

Without anything set in the environment it starts an emulator and needs no
account. To use an app of your own, set

  ROBLOX_CLIENT_ID       the app's client id
  ROBLOX_CLIENT_SECRET   its secret; unset for a public client
  ROBLOX_REDIRECT_URL    as registered; http://localhost:3000/callback if unset
  ROBLOX_API_KEY         an API key, for data stores
  ROBLOX_SCOPES          scopes to ask for instead of the usual ones
  ROBLOX_ISSUER          another issuer than Roblox, found by discovery
  ROBLOX_API_URL         another place for Open Cloud`,
		Example: `  rblx demo
  rblx demo --port 8080
  rblx demo --headless`,
		Args: usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port < 0 || port > math.MaxUint16 {
				return fmt.Errorf("--port %d: want 0 to %d", port, math.MaxUint16)
			}
			c, err := configFrom(os.Getenv)
			if err != nil {
				return err
			}
			if redirectURL != "" {
				c.RedirectURL = redirectURL
			}
			if headless {
				return runHeadless(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if !cmd.Flags().Changed("port") {
				port = c.portOr(defaultPort)
			}
			return serve(cmd.Context(), c, port, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&port, "port", defaultPort, "port to listen on; 0 takes a free one")
	flags.BoolVar(&headless, "headless", false, "make the whole journey without a browser and print what was found as a line of JSON")
	flags.StringVar(&redirectURL, "redirect-url", "", "redirect URL of the app, in place of ROBLOX_REDIRECT_URL")
	return cmd
}
