package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth"
)

// claimStatement passes over rows that another claim or swap is at.
const claimStatement = `WITH due AS (
		SELECT id FROM $schema.grants WHERE state = 'active' AND claimed_until <= clock_timestamp() AND id <> ALL ($3)
		ORDER BY issued, id LIMIT $1 FOR UPDATE SKIP LOCKED)
	UPDATE $schema.grants g SET claimed_until = clock_timestamp() + $2 * interval '1 microsecond'
	FROM due WHERE g.id = due.id RETURNING ` + stamp + ", " + columns

// ClaimDue implements oauth.Store. Rows that cannot be read are claimed and not
// returned, and Find tells of them.
func (s *Store) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]oauth.Row, error) {
	bad := []string{}
	for n > 0 {
		due, corrupt, err := s.claim(ctx, n, ttl, bad)
		if err != nil {
			return nil, s.failed(err)
		}
		if len(due) > 0 || len(corrupt) == 0 {
			return due, nil
		}
		bad = append(bad, corrupt...) // they must not hide the rows behind them
	}
	return nil, ctx.Err()
}

// claim claims n rows besides the bad ones, and also returns the ids of those
// that cannot be read.
func (s *Store) claim(ctx context.Context, n int, ttl time.Duration, bad []string) (due []oauth.Row, corrupt []string, err error) {
	err = s.write(ctx, claimStatement, []any{n, ttl.Microseconds(), bad}, func(rows pgx.Rows) error {
		due, corrupt = nil, nil
		var (
			at stamped
			r  stored
		)
		_, err := pgx.ForEachRow(rows, r.into(&at), func() error {
			row, err := r.row(at)
			if err != nil {
				corrupt = append(corrupt, *r.id)
				return nil //nolint:nilerr // Find tells of it
			}
			due = append(due, row)
			return nil
		})
		return err
	})
	return due, corrupt, err
}
