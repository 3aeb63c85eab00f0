package pgstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

const (
	// stamp is the server's clock and the store's run, once a statement.
	stamp = "clock_timestamp(), (SELECT $schema.run())"

	// durable has the server flush the transaction before it acknowledges it,
	// whatever is set for others.
	durable = `CASE WHEN current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
		THEN set_config('synchronous_commit', 'on', true) END`

	columns = "g.id, g.version, g.subject, g.state, g.issued, g.content" // what a stored has

	loadStatement   = "SELECT " + stamp + ", " + columns + " FROM (SELECT) AS here LEFT JOIN $schema.grants g ON g.id = $1"
	createStatement = `INSERT INTO $schema.grants AS g (id, version, subject, state, issued, content)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING ` + durable + ", " + stamp
	swapStatement = `UPDATE $schema.grants SET version = $2, subject = $3, state = $4, issued = $5, content = $6
		WHERE id = $1 AND version = $7 AND ($8 = '' OR $8 = (SELECT $schema.run())) RETURNING ` + durable + ", " + stamp
	deleteStatement = `WITH gone AS (DELETE FROM $schema.grants WHERE id = $1 AND version = $2 RETURNING ` + durable + `)
		SELECT EXISTS (SELECT FROM gone), EXISTS (SELECT FROM $schema.grants WHERE id = $1)`
)

// boot is whose clock all times are read from: the server's, which goes on over
// its restarts.
const boot = "server"

// stamped is when and where a statement was executed.
type stamped struct {
	now time.Time
	run string
}

// stored is a row of grants; its fields are null where there is none.
type stored struct {
	id, version, subject, state, content *string
	issued                               *time.Time
}

// into is where stamp and columns are scanned.
func (r *stored) into(at *stamped) []any {
	return []any{&at.now, &at.run, &r.id, &r.version, &r.subject, &r.state, &r.issued, &r.content}
}

// row decodes a stored row. Errors wrap oauth.ErrCorruptRow.
func (r *stored) row(at stamped) (oauth.Row, error) {
	var rec record.Record
	if err := record.Decode(strings.NewReader(*r.content), "row", &rec); err != nil {
		return oauth.Row{}, fmt.Errorf("grant %s: %w", *r.id, err)
	}
	if string(rec.GrantID) != *r.id || string(rec.Version) != *r.version || rec.Subject != *r.subject ||
		string(rec.State) != *r.state || !micro(rec.RefreshIssued).Equal(*r.issued) {
		return oauth.Row{}, fmt.Errorf("grant %s: %w: its columns are not those of its content", *r.id, oauth.ErrCorruptRow)
	}
	return at.row(rec), nil
}

func (at stamped) row(rec record.Record) oauth.Row {
	row := rec.Row(boot, at.run)
	row.Now = at.now.UTC()
	return row
}

// micro is t as precise as the server keeps it.
func micro(t time.Time) time.Time { return record.UTC(t).Truncate(time.Microsecond) }

// Load implements oauth.Store.
func (s *Store) Load(ctx context.Context, id oauth.GrantID) (oauth.Row, error) {
	if !id.Valid() {
		return oauth.Row{}, fmt.Errorf("pgstore: grant %q: %w", id, oauth.ErrNoGrant)
	}
	var (
		at stamped
		r  stored
	)
	if err := s.read(ctx, loadStatement, []any{string(id)}, one(r.into(&at)...)); err != nil {
		return oauth.Row{}, s.failed(err)
	}
	if r.id == nil {
		return oauth.Row{}, fmt.Errorf("pgstore: grant %s: %w", id, oauth.ErrNoGrant)
	}
	row, err := r.row(at)
	if err != nil {
		return oauth.Row{}, s.failed(err)
	}
	return row, nil
}

// Swap implements oauth.Store. Where the row there is cannot be read, only the
// version that was read when it could be is replaced.
func (s *Store) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	if !row.GrantID.Valid() {
		return oauth.Row{}, fmt.Errorf("pgstore: %w: %q is no grant id", oauth.ErrNotWritten, row.GrantID)
	}
	rec := record.New(row, oauth.Version(rand.Text()), boot)
	statement := createStatement
	args := []any{string(rec.GrantID), string(rec.Version), rec.Subject, string(rec.State), micro(rec.RefreshIssued), string(record.Encode("row", rec))}
	if old != "" {
		statement, args = swapStatement, append(args, string(old), row.StoreRun)
	}
	var at stamped
	err := s.write(ctx, statement, args, one(new(*string), &at.now, &at.run))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return oauth.Row{}, fmt.Errorf("pgstore: grant %s: %w", row.GrantID, oauth.ErrConflict)
	case err != nil:
		return oauth.Row{}, s.failed(err)
	}
	if row.Intent == nil || row.State != oauth.StateActive { // nobody waits for an intent
		s.tell(row.GrantID)
	}
	rec.Sealed = bytes.Clone(rec.Sealed)
	return at.row(rec), nil
}

// Delete implements oauth.Store.
func (s *Store) Delete(ctx context.Context, id oauth.GrantID, version oauth.Version) error {
	if !id.Valid() {
		return fmt.Errorf("pgstore: grant %q: %w", id, oauth.ErrNoGrant)
	}
	var deleted, exists bool
	err := s.write(ctx, deleteStatement, []any{string(id), string(version)}, one(&deleted, &exists))
	switch {
	case err != nil:
		return s.failed(err)
	case deleted:
		s.tell(id)
		return nil
	case exists:
		return fmt.Errorf("pgstore: grant %s: %w", id, oauth.ErrConflict)
	}
	return fmt.Errorf("pgstore: grant %s: %w", id, oauth.ErrNoGrant)
}
