package grants

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
)

func listCommand(o *options) *cobra.Command {
	var (
		subject, state string
		due            age
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List grants",
		Long: `Lists the grants in a store, in no order, as they are read: a million of them
need no more memory than one. A row that cannot be read does not hide the
others; it is told of at the end, and the exit status is 1.`,
		Example: `  rblx grants list --store-url /var/lib/mysite/grants --subject 156
  rblx grants list --store postgres --due 60d --json | jq -r .grant_id`,
		Args: usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := oauth.Query{Subject: subject, State: oauth.State(state)}
			switch q.State {
			case "", oauth.StateActive, oauth.StateNeedsReauth, oauth.StateTombstone:
			default:
				return fmt.Errorf("--state %q: want %s, %s or %s", state, oauth.StateActive, oauth.StateNeedsReauth, oauth.StateTombstone)
			}
			if due > 0 {
				q.Due = time.Now().Add(-time.Duration(due))
			}
			return o.with(cmd.Context(), func(s stores.Store) error {
				return list(cmd.Context(), s, q, o.json, cmd.OutOrStdout())
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&subject, "subject", "", "only those of this Roblox user `id`")
	f.StringVar(&state, "state", "", "only those in this `state`: active|needs_reauth|tombstone")
	f.Var(&due, "due", "only active ones whose refresh token is older than this `age`, 60d say; it lives for 90d")
	return cmd
}

func list(ctx context.Context, s oauth.Store, q oauth.Query, asJSON bool, to io.Writer) error {
	out := bufio.NewWriter(to)
	lines := json.NewEncoder(out)
	if !asJSON {
		_, _ = out.WriteString(header()) // Flush tells of errors
	}
	var failed error
	for row, err := range s.Find(ctx, q) {
		if err != nil {
			failed = err
			break
		}
		if asJSON {
			err = lines.Encode(summaryOf(row))
		} else {
			_, err = out.WriteString(summaryOf(row).line())
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), failed)
}
