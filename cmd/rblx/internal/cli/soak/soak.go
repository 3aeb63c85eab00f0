// Package soak is the command "rblx soak": it puts the rotation of one grant
// under the load of several processes, kills some, and counts what was lost.
package soak

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
)

const long = `Soak shows whether an authorization survives a deployment like yours. It signs
in once, without a person, and then runs several processes over that one grant,
each calling userinfo from many goroutines while the tokens rotate. With --kill
processes die at random moments and are started again.

It works against any issuer that lets a script through its consent page, such
as rblx emulator. Short access tokens rotate by themselves; where they would
live for more than half of the run, each process asks for new ones all the time.
The grant is revoked at the end.

The app is named by the same variables as for rblx demo:

  ROBLOX_CLIENT_ID       the app's client id
  ROBLOX_CLIENT_SECRET   its secret; unset for a public client
  ROBLOX_REDIRECT_URL    as registered, unless --redirect-url is given
  ROBLOX_ISSUER          the issuer, unless --issuer is given
  ROBLOX_SCOPES          scopes to ask for instead of the usual ones

The last line of standard output is JSON. calls, call_errors and adopted leave
out what a killed process had no time to tell. lost counts the grant if it has
to be authorized anew, silently_lost if it does without the true reason on
record. The exit status is 0 only if nothing was silently lost and, without
--kill, nothing was lost at all.`

// options are those of a run.
type options struct {
	app        signin.App
	processes  int
	goroutines int
	period     time.Duration
	store      stores.Place
	keyset     string
	kill       bool
}

// Command returns rblx soak.
func Command() *cobra.Command {
	var (
		o           options
		issuer      string
		redirectURL string
	)
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Prove that an authorization survives many processes, and their deaths",
		Long:  long,
		Example: `  rblx emulator --access-ttl 4s   # in another terminal; export what it prints
  rblx soak --for 30s --kill`,
		Args: usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.app = signin.FromEnvironment(os.Getenv)
			if issuer != "" {
				o.app.Issuer = issuer
			}
			if redirectURL != "" {
				o.app.RedirectURL = redirectURL
			}
			if err := o.check(); err != nil {
				return err
			}
			return run(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&issuer, "issuer", "", "`URL` of the issuer (default ROBLOX_ISSUER, or Roblox)")
	f.StringVar(&redirectURL, "redirect-url", "", "redirect `URL` of the app (default ROBLOX_REDIRECT_URL)")
	f.IntVar(&o.processes, "processes", 2, "processes to run on the grant")
	f.IntVar(&o.goroutines, "goroutines", 200, "goroutines that call userinfo, in each process")
	f.DurationVar(&o.period, "for", 8*time.Second, "how long to run")
	o.store.Flags(f, "without it in a temporary directory")
	f.StringVar(&o.keyset, "keyset", "", "`FILE` of the keyset to seal tokens with (default not sealed); rotate it meanwhile, if you like")
	f.BoolVar(&o.kill, "kill", false, "kill processes at random moments and start them again")
	cmd.AddCommand(processCommand())
	return cmd
}

func (o options) check() error {
	switch {
	case o.app.ClientID == "":
		return errors.New("ROBLOX_CLIENT_ID: is not set; rblx emulator prints what to set")
	case o.app.RedirectURL == "":
		return errors.New("--redirect-url: is not given, and ROBLOX_REDIRECT_URL is not set")
	case o.processes < 1:
		return fmt.Errorf("--processes %d: want at least 1", o.processes)
	case o.goroutines < 1:
		return fmt.Errorf("--goroutines %d: want at least 1", o.goroutines)
	case o.period < time.Second:
		return fmt.Errorf("--for %v: want at least 1s", o.period)
	}
	return o.store.Check()
}
