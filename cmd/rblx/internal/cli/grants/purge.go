package grants

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
)

// purged is the outcome as JSON.
type purged struct {
	Purged int  `json:"purged"`
	DryRun bool `json:"dry_run"`
}

func purgeCommand(o *options) *cobra.Command {
	var dryRun, yes bool
	olderThan := age(30 * day)
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Delete dead grants",
		Long: `Deletes the rows of dead grants whose last tokens are older than --older-than:
those that need the user to sign in again (they can no longer be rearmed then),
and revoked ones of which the provider knows, or whose tokens have expired there
since, after 90 days. On a terminal it asks before it deletes.`,
		Example: `  rblx grants purge --store-url /var/lib/mysite/grants --older-than 90d --dry-run`,
		Args:    usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return o.with(ctx, func(s stores.Store) error {
				d := dead{store: s, before: time.Now().Add(-time.Duration(olderThan))}
				if !dryRun && !yes && onTerminal(cmd.InOrStdin()) {
					n, err := d.count(ctx)
					if err != nil || n == 0 {
						return errors.Join(err, report(out, o.json, purged{}))
					}
					if !confirmed(ctx, cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("dead grants to delete: %d. Go on?", n)) {
						return errors.New("nothing was deleted")
					}
				}
				act := d.remove
				if dryRun {
					act = d.count
				}
				n, err := act(ctx)
				return errors.Join(err, report(out, o.json, purged{n, dryRun}))
			})
		},
	}
	f := cmd.Flags()
	f.Var(&olderThan, "older-than", "`age` of a grant's last tokens, such as 90d")
	f.BoolVar(&dryRun, "dry-run", false, "only count")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func report(out io.Writer, asJSON bool, p purged) error {
	if asJSON {
		return json.NewEncoder(out).Encode(p)
	}
	format := "dead grants deleted: %d\n"
	if p.DryRun {
		format = "dead grants to delete: %d\n"
	}
	_, err := fmt.Fprintf(out, format, p.Purged)
	return err
}

func onTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// confirmed asks the question. The end of ctx is a no; the read of a terminal,
// which does not end with it, is left behind.
func confirmed(ctx context.Context, in io.Reader, out io.Writer, question string) bool {
	_, _ = fmt.Fprint(out, question, " [y/N] ")
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(in).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answers:
		return answer == "y" || answer == "yes"
	case <-ctx.Done():
		_, _ = fmt.Fprintln(out) // the cursor stands behind the question
		return false
	}
}

// dead are the grants that nobody can use any more.
type dead struct {
	store  oauth.Store
	before time.Time // when their last tokens were issued
}

// refreshTokenLife is how long Roblox honours a refresh token.
const refreshTokenLife = 90 * day

func (d dead) has(row oauth.Row) bool {
	if !row.RefreshIssued.Before(d.before) {
		return false
	}
	switch row.State {
	case oauth.StateNeedsReauth:
		return true
	case oauth.StateTombstone:
		return row.Reason == oauth.ReasonConfirmed || time.Since(row.RefreshIssued) > refreshTokenLife
	default:
		return false
	}
}

func (d dead) all(ctx context.Context) iter.Seq2[oauth.Row, error] {
	return func(yield func(oauth.Row, error) bool) {
		for _, state := range []oauth.State{oauth.StateTombstone, oauth.StateNeedsReauth} {
			for row, err := range d.store.Find(ctx, oauth.Query{State: state}) {
				if (err != nil || d.has(row)) && !yield(row, err) {
					return
				}
			}
		}
	}
}

func (d dead) count(ctx context.Context) (n int, err error) {
	var errs []error
	for _, err := range d.all(ctx) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}

// remove deletes them as they were read: one that was rearmed meanwhile stays.
func (d dead) remove(ctx context.Context) (n int, err error) {
	var errs []error
	for row, err := range d.all(ctx) {
		if err == nil {
			err = d.store.Delete(ctx, row.GrantID, row.Version)
		}
		switch {
		case err == nil:
			n++
		case errors.Is(err, oauth.ErrConflict), errors.Is(err, oauth.ErrNoGrant):
		default:
			errs = append(errs, err)
		}
		if err != nil && ctx.Err() != nil {
			break
		}
	}
	return n, errors.Join(errs...)
}
