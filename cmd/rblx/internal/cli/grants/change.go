package grants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

const credentials = `The app is named by the same variables as for rblx demo:

  ROBLOX_CLIENT_ID       the app's client id
  ROBLOX_CLIENT_SECRET   its secret; unset for a public client
  ROBLOX_ISSUER          the issuer, if it is not Roblox`

func rearmCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "rearm GRANT",
		Short: "Make a lost grant active again, with the tokens it had",
		Long: `Makes a grant that needs_reauth active again, so that its next use tries the
refresh token once more. It is for refusals that were not the user's wish: an
outage, say, or a client secret that was wrong and is right again. If the token
is refused once more, the grant is as lost as before.

` + credentials,
		Args: oneGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.change(cmd, oauth.GrantID(args[0]), "", func(ctx context.Context, g *oauth.Grant) error { return g.Rearm(ctx) })
		},
	}
}

func revokeCommand(o *options) *cobra.Command {
	var keyset string
	cmd := &cobra.Command{
		Use:   "revoke GRANT",
		Short: "Sign a user's grant out, here and at the provider",
		Long: `Ends a grant: here at once and for good, and then at the provider. The state
printed is the truth: "tombstone (confirmed)" if the provider has taken back the
newest token, "tombstone (unreachable)" if a token may live on there, with the
reason on standard error and exit status 1. Revoking again tries it again.

` + credentials,
		Args: oneGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.change(cmd, oauth.GrantID(args[0]), keyset, func(ctx context.Context, g *oauth.Grant) error { return g.Revoke(ctx) })
		},
	}
	cmd.Flags().StringVar(&keyset, "keyset", "", "the `FILE` of the keyset that the tokens are sealed with, if they are")
	return cmd
}

// closingTime bounds what may still be under way when the work is done.
const closingTime = 15 * time.Second

// change has an app do something to a grant, and prints what became of it,
// also where that failed.
func (o *options) change(cmd *cobra.Command, id oauth.GrantID, keyset string, do func(context.Context, *oauth.Grant) error) error {
	ctx := cmd.Context()
	env := signin.FromEnvironment(os.Getenv)
	if env.ClientID == "" {
		return errors.New("ROBLOX_CLIENT_ID: is not set; it is the app's client id")
	}
	c := oauth.Config{
		ClientID: env.ClientID, ClientSecret: env.ClientSecret,
		RedirectURL: "http://localhost/", Scopes: []string{"openid"}, // nobody signs in
	}
	if keyset != "" {
		sealer, err := tinkseal.Open(keyset)
		if err != nil {
			return fmt.Errorf("--keyset: %w", err)
		}
		c.Sealer, c.AcceptUnsealed = sealer, true
	}
	return o.with(ctx, func(s stores.Store) error {
		row, err := s.Load(ctx, id)
		if err != nil {
			return err
		}
		if row.App != env.ClientID {
			return fmt.Errorf("ROBLOX_CLIENT_ID: is %s, but grant %s is one of client %s", env.ClientID, id, row.App)
		}
		if c.Provider, _, err = env.Reach(ctx); err != nil {
			return fmt.Errorf("ROBLOX_ISSUER: %w", err)
		}
		c.Store = s
		app, err := oauth.New(c)
		if err != nil {
			return err
		}
		done := do(ctx, app.Grant(id))
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
		defer cancel()
		if err := app.Close(closing); err != nil {
			return errors.Join(done, err)
		}
		if row, err = s.Load(context.WithoutCancel(ctx), id); err != nil {
			return errors.Join(done, err)
		}
		if o.json {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(summaryOf(row))
		} else {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", id, summaryOf(row).standing())
		}
		return errors.Join(done, err)
	})
}
