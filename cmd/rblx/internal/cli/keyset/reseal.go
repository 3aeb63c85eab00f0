package keyset

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// resealed is what reseal has done.
type resealed struct {
	File     string `json:"file"`
	Resealed int64  `json:"resealed"`
	Current  int64  `json:"current"`  // were so already
	Unsealed int64  `json:"unsealed"` // were left so
	Unusable int64  `json:"unusable"` // unknown key, or damaged
}

func resealCommand() *cobra.Command {
	var (
		at             stores.Place
		acceptUnsealed bool
	)
	cmd := &cobra.Command{
		Use:   "reseal FILE",
		Short: "Seal all rows of a store with the primary key, now",
		Long: `Seals every row of a store with the primary key of a keyset that is sealed with
another of its keys. It sends nothing to Roblox and may run while the store is in
use, and again after it was stopped. Rows are sealed anew by themselves when
their tokens are refreshed; this is for those that nobody uses, and for haste.

Rows that are not sealed at all are left alone without --accept-unsealed:
whoever could write to the store may have put them there.`,
		Example: `  rblx keyset reseal keyset.json --store-url /var/lib/mysite/grants`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			sealer, err := tinkseal.Open(args[0])
			if err != nil {
				return err
			}
			s, err := at.OpenExisting(cmd.Context())
			if err != nil {
				return err
			}
			r := &resealer{store: s, sealer: sealer, unsealed: acceptUnsealed, progress: func(done int64) { _ = say(cmd.ErrOrStderr(), "%d rows", done) }}
			err = r.run(cmd.Context())
			done := resealed{args[0], r.resealed.Load(), r.current.Load(), r.left.Load(), r.unusable.Load()}
			if err := errors.Join(err, s.Close()); err != nil {
				return fmt.Errorf("%d rows were sealed anew, and then: %w", done.Resealed, err)
			}
			if err := printResult(cmd, done, "sealed %d rows anew; %d were sealed with the primary key already, %d are not sealed", done.Resealed, done.Current, done.Unsealed); err != nil {
				return err
			}
			if done.Unusable > 0 {
				return fmt.Errorf("%d rows cannot be opened, and were left as they are; rblx keyset check says why", done.Unusable)
			}
			return nil
		},
	}
	at.Flags(cmd.Flags(), "of the rows to seal anew")
	cmd.Flags().BoolVar(&acceptUnsealed, "accept-unsealed", false, "seal rows that are not sealed, too")
	return cmd
}

// resealer seals the rows of a store anew.
type resealer struct {
	store    oauth.Store
	sealer   oauth.Sealer
	unsealed bool // take rows that are not sealed
	progress func(done int64)

	resealed, current, left, unusable atomic.Int64
}

const (
	atATime    = 8 // rows: each write waits for a disk
	tellAfter  = 10_000
	mostWrites = 20 // of one row: others write to it, too
)

func (r *resealer) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atATime)
	seen := int64(0)
	for row, err := range r.store.Find(ctx, oauth.Query{}) {
		if err != nil {
			return errors.Join(group.Wait(), err)
		}
		group.Go(func() error { return r.row(ctx, row) })
		if seen++; seen%tellAfter == 0 {
			r.progress(seen)
		}
	}
	return group.Wait()
}

// row seals one row anew. If somebody else writes to it meanwhile, or the
// outcome of a write is unknown, it is looked at again.
func (r *resealer) row(ctx context.Context, row oauth.Row) (err error) {
	for range mostWrites {
		next, was, openErr := oauth.Reseal(r.sealer, row)
		switch {
		case openErr != nil:
			r.unusable.Add(1)
			return nil //nolint:nilerr // it is counted, and the others go on
		case was == oauth.SealCurrent && err == nil:
			r.current.Add(1)
			return nil
		case was == oauth.SealMissing && !r.unsealed:
			r.left.Add(1)
			return nil
		case was == oauth.SealCurrent: // our write, or somebody's who was faster
			r.resealed.Add(1)
			return nil
		}
		if _, err = r.store.Swap(ctx, row.Version, next); err == nil {
			r.resealed.Add(1)
			return nil
		}
		if errors.Is(err, oauth.ErrNotWritten) || ctx.Err() != nil {
			return err
		}
		var loadErr error
		if row, loadErr = r.store.Load(ctx, row.GrantID); errors.Is(loadErr, oauth.ErrNoGrant) {
			return nil
		} else if loadErr != nil {
			return loadErr
		}
	}
	return err
}
