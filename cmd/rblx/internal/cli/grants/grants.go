// Package grants is the command "rblx grants": what a store has of users'
// authorizations. It shows no token.
package grants

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
)

const long = `Grants looks at the authorizations in a store and tends them while the site
runs. Tokens show in no output.

  rblx grants list --store sqlite --store-url /var/lib/mysite/grants.db
  rblx grants list --state needs_reauth --json

A store on this machine has to exist; --store-url is its directory or file. For
postgres and redis it is a URL. The list of processes shows it to everybody on
the machine: one with a password belongs in RBLX_STORE_URL.`

// options are those of every command.
type options struct {
	store stores.Place
	json  bool
}

// Command returns rblx grants.
func Command() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "grants",
		Short: "List, show, rearm, revoke and purge the grants in a store",
		Long:  long,
	}
	o.store.Flags(cmd.PersistentFlags(), "for postgres and redis on this machine it may be left out")
	cmd.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON, an object a line")
	cmd.AddCommand(listCommand(o), showCommand(o), rearmCommand(o), revokeCommand(o), purgeCommand(o))
	return usage.Group(cmd)
}

// with opens the store for do.
func (o *options) with(ctx context.Context, do func(stores.Store) error) error {
	s, err := o.store.OpenExisting(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// oneGrant is the argument of a command on one grant.
func oneGrant(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !oauth.GrantID(args[0]).Valid() {
		return errors.New("want one GRANT, an id of 26 characters; rblx grants list shows them")
	}
	return nil
}
