package sqlitestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

const (
	columns     = "id, version, subject, state, issued, content" // what read reads
	selectGrant = "SELECT " + columns + " FROM grants WHERE id = ?"
)

// Load implements oauth.Store.
func (s *Store) Load(ctx context.Context, id oauth.GrantID) (oauth.Row, error) {
	r, err := s.load(ctx, id)
	switch {
	case errors.Is(err, oauth.ErrNoGrant):
		return oauth.Row{}, fmt.Errorf("sqlitestore: grant %s: %w", id, err)
	case err != nil:
		return oauth.Row{}, s.failed(err)
	}
	return r.Row(s.boot, s.run), nil
}

func (s *Store) load(ctx context.Context, id oauth.GrantID) (record.Record, error) {
	if err := ctx.Err(); err != nil {
		return record.Record{}, err
	}
	if err := s.inPlace(); err != nil {
		return record.Record{}, err
	}
	return read(s.reader.QueryRowContext(ctx, selectGrant, string(id)), new(string))
}

// read returns the record in a row and its id, also where the record is
// corrupt. No row is oauth.ErrNoGrant.
func read(row interface{ Scan(into ...any) error }, id *string) (record.Record, error) {
	var (
		version, subject, state string
		issued                  int64
		content                 []byte
		r                       record.Record
	)
	err := row.Scan(id, &version, &subject, &state, &issued, &content)
	if errors.Is(err, sql.ErrNoRows) {
		return r, oauth.ErrNoGrant
	}
	if err != nil {
		return r, err
	}
	if err := record.Decode(bytes.NewReader(content), "row", &r); err != nil {
		return record.Record{}, fmt.Errorf("grant %s: %w", *id, err)
	}
	if string(r.GrantID) != *id || string(r.Version) != version || r.Subject != subject || string(r.State) != state || r.RefreshIssued.UnixMicro() != issued {
		return record.Record{}, fmt.Errorf("grant %s: %w: its columns are not those of its content", *id, oauth.ErrCorruptRow)
	}
	return r, nil
}

// Swap implements oauth.Store. What ends an intent, a commit above all, may use
// the space that is reserved for it.
func (s *Store) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	if !row.GrantID.Valid() {
		return oauth.Row{}, fmt.Errorf("sqlitestore: %w: %q is no grant id", oauth.ErrNotWritten, row.GrantID)
	}
	if old != "" && row.StoreRun != "" && row.StoreRun != s.run {
		return oauth.Row{}, fmt.Errorf("sqlitestore: grant %s: %w: it was read from another store", row.GrantID, oauth.ErrConflict)
	}
	r := record.New(row, oauth.Version(rand.Text()), s.boot)
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Conn) error {
		was, err := compare(ctx, tx, r.GrantID, old)
		if err != nil {
			return err
		}
		if was.Intent == nil || r.Intent != nil {
			if err := s.reserve(); err != nil {
				return err
			}
		}
		statement := "UPDATE grants SET version = ?2, subject = ?3, state = ?4, issued = ?5, content = ?6 WHERE id = ?1"
		if old == "" {
			statement = "INSERT INTO grants (" + columns + ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
		}
		_, err = tx.ExecContext(ctx, statement, string(r.GrantID), string(r.Version), r.Subject, string(r.State),
			r.RefreshIssued.UnixMicro(), record.Encode("row", r))
		return err
	})
	if err != nil {
		return oauth.Row{}, err
	}
	r.Sealed = bytes.Clone(r.Sealed)
	return r.Row(s.boot, s.run), nil
}

// compare returns the stored row if it has that version, or none if there is
// none and the version is zero.
func compare(ctx context.Context, tx *sql.Conn, id oauth.GrantID, version oauth.Version) (record.Record, error) {
	r, err := read(tx.QueryRowContext(ctx, selectGrant, string(id)), new(string))
	switch {
	case err != nil && !errors.Is(err, oauth.ErrNoGrant):
		return record.Record{}, err
	case r.Version != version:
		return record.Record{}, answer{fmt.Errorf("grant %s: %w", id, oauth.ErrConflict)}
	}
	return r, nil
}

// Delete implements oauth.Store.
func (s *Store) Delete(ctx context.Context, id oauth.GrantID, version oauth.Version) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		r, err := read(tx.QueryRowContext(ctx, selectGrant, string(id)), new(string))
		switch {
		case errors.Is(err, oauth.ErrNoGrant):
			return answer{fmt.Errorf("grant %s: %w", id, err)}
		case err != nil:
			return err
		case r.Version != version:
			return answer{fmt.Errorf("grant %s: %w", id, oauth.ErrConflict)}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM grants WHERE id = ?", string(id))
		return err
	})
}
