package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

func TestWritesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := openTest(t, newPath(t))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	for what, write := range map[string]func() error{
		"Swap": func() error {
			_, err := s.Swap(t.Context(), row.Version, sample(row.GrantID, 2))
			return err
		},
		"Delete": func() error { return s.Delete(t.Context(), row.GrantID, row.Version) },
		"ClaimDue": func() error {
			_, err := s.ClaimDue(t.Context(), 1, time.Hour)
			return err
		},
		"PutFlow": func() error { return s.PutFlow(t.Context(), oauth.Flow{ID: "flow"}) },
	} {
		if _, err := s.writer.ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil { // until the connection is given up
			t.Fatal(err)
		}
		err := write()
		if !errors.Is(err, oauth.ErrNotWritten) || errors.Is(err, oauth.ErrUnknown) || !strings.Contains(err.Error(), s.path) || !strings.Contains(err.Error(), "writable") {
			t.Errorf("%s: %v", what, err)
		}
	}
	mustSwap(t, s, row.Version, sample(row.GrantID, 2)) // what failed left no transaction open
}

// After a COMMIT that failed nobody knows, and the next write begins anew.
func TestFailedCommitIsUnknown(t *testing.T) {
	t.Parallel()
	s := openTest(t, newPath(t))
	if _, err := s.writer.ExecContext(t.Context(), `PRAGMA foreign_keys = ON; CREATE TABLE parent (id PRIMARY KEY);
		CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`); err != nil {
		t.Fatal(err)
	}
	err := s.write(t.Context(), func(ctx context.Context, tx *sql.Conn) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO child VALUES (1)")
		return err
	})
	if !errors.Is(err, oauth.ErrUnknown) || errors.Is(err, oauth.ErrNotWritten) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("write: %v, want %v", err, oauth.ErrUnknown)
	}
	mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
}

func TestWaitingForAnotherWriterEnds(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	a, b := openTest(t, path), openTest(t, path)
	row := mustSwap(t, a, "", sample(oauth.NewGrantID(), 1))
	conn, err := a.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Store{"this process": a, "another": b} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := s.Swap(ctx, row.Version, row)
		cancel()
		if !errors.Is(err, oauth.ErrNotWritten) {
			t.Errorf("%s writes: %v", name, err)
		}
		if mustLoad(t, s, row.GrantID).Version != row.Version {
			t.Error("reading waited for the writer, or the row changed")
		}
	}
	discard(conn)
	if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		t.Fatal(err)
	}
	row = mustSwap(t, b, row.Version, row)
	mustSwap(t, a, row.Version, row)
}
