package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

// answer is what a transaction found that leaves it nothing to do, such as
// oauth.ErrConflict.
type answer struct{ error }

// write is transact for what leaves the room that is reserved for commits.
func (s *Store) write(ctx context.Context, do func(ctx context.Context, tx *sql.Conn) error) error {
	return s.transact(ctx, func(ctx context.Context, tx *sql.Conn) error {
		if err := s.reserve(); err != nil {
			return err
		}
		return do(ctx, tx)
	})
}

// transact runs do in a transaction and returns its answer; any other error
// wraps oauth.ErrNotWritten or oauth.ErrUnknown. ctx ends the waiting for other
// writers only: from then on it takes milliseconds, and an interruption would
// make its outcome unknown.
func (s *Store) transact(ctx context.Context, do func(ctx context.Context, tx *sql.Conn) error) error {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return s.notWritten(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		discard(conn)
		return s.notWritten(err)
	}
	ctx = context.WithoutCancel(ctx)
	err = s.inPlace()
	if err == nil {
		err = do(ctx, conn)
	}
	if err != nil {
		if _, rollback := conn.ExecContext(ctx, "ROLLBACK"); rollback != nil {
			discard(conn)
		}
		if found, ok := errors.AsType[answer](err); ok {
			return fmt.Errorf("sqlitestore: %w", found.error)
		}
		return s.notWritten(err)
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		discard(conn)
		if code(err) == sqlite3.SQLITE_FULL { // the log has no whole commit
			return s.notWritten(err)
		}
		return fmt.Errorf("sqlitestore: %s: %w: %w", s.path, oauth.ErrUnknown, err)
	}
	return nil
}

// discard closes a connection that may be inside a transaction, which ends it.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// inPlace fails if the database was moved, removed or replaced since it was
// opened: what is written to it would be lost.
func (s *Store) inPlace() error {
	info, err := os.Lstat(s.path)
	if err != nil {
		return err
	}
	if !os.SameFile(info, s.file) {
		return errors.New("another file has taken its place since it was opened; restart this program")
	}
	return nil
}

// notWritten marks err as one after which nothing has changed.
func (s *Store) notWritten(err error) error {
	return s.failed(fmt.Errorf("%w: %w", oauth.ErrNotWritten, err))
}

// failed names the database and says what to do about err.
func (s *Store) failed(err error) error {
	advice := localdir.Advice(err)
	switch code(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		err = fmt.Errorf("%w: %w", oauth.ErrCorruptRow, err)
	case sqlite3.SQLITE_FULL:
		advice = "; free space on its disk"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		advice = "; make it and its directory writable for the user who runs this program"
	}
	return fmt.Errorf("sqlitestore: %s: %w%s", s.path, err, advice)
}

func isBusy(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}

// code is SQLite's primary result code (https://sqlite.org/rescode.html), or 0.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}
