package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// claimQuery selects what nobody claims, oldest first; its index holds active
// rows alone.
const claimQuery = "SELECT " + columns + ` FROM grants INDEXED BY grants_due
	WHERE state = 'active' AND NOT (claim_boot = ? AND claim_until > ?) ORDER BY issued, id`

// ClaimDue implements oauth.Store. Rows that cannot be read are passed over,
// and Find tells of them.
func (s *Store) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]oauth.Row, error) {
	if n <= 0 {
		return nil, ctx.Err()
	}
	var due []oauth.Row
	err := s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		now := bootclock.Now()
		records, err := s.oldest(ctx, tx, n, now)
		if err != nil {
			return err
		}
		for _, r := range records {
			if _, err := tx.ExecContext(ctx, "UPDATE grants SET claim_boot = ?, claim_until = ? WHERE id = ?",
				s.boot, now.Add(ttl).UnixMicro(), string(r.GrantID)); err != nil {
				return err
			}
			due = append(due, r.Row(s.boot, s.run))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return due, nil
}

// oldest returns the n active records that nobody claims whose refresh tokens
// are oldest.
func (s *Store) oldest(ctx context.Context, tx *sql.Conn, n int, now time.Time) ([]record.Record, error) {
	rows, err := tx.QueryContext(ctx, claimQuery, s.boot, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []record.Record
	for len(records) < n && rows.Next() {
		r, err := read(rows, new(string))
		if errors.Is(err, oauth.ErrCorruptRow) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}
