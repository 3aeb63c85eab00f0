package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rblx-go/opencloud/oauth"
)

// attempts is how often a statement is sent that had no effect for a reason
// that passes.
const attempts = 10

// write executes a statement that is a transaction of its own, and scans what
// it returns. Its error is pgx.ErrNoRows, or wraps oauth.ErrNotWritten or
// oauth.ErrUnknown.
func (s *Store) write(ctx context.Context, statement string, args []any, scan scanner) error {
	for try := 1; ; try++ {
		sent, err := s.execute(ctx, statement, args, scan)
		switch {
		case err == nil || errors.Is(err, pgx.ErrNoRows):
			return err
		case ctx.Err() == nil && try < attempts && passes(err):
			time.Sleep(rand.N(min(time.Millisecond<<try, 50*time.Millisecond)))
			continue
		case !sent || refused(err):
			return fmt.Errorf("%w: %w", oauth.ErrNotWritten, err)
		}
		return fmt.Errorf("%w: %w", oauth.ErrUnknown, err)
	}
}

// read is write for a statement that changes nothing, and is repeated where a
// connection turns out to be dead.
func (s *Store) read(ctx context.Context, statement string, args []any, scan scanner) error {
	for try := 1; ; try++ {
		sent, err := s.execute(ctx, statement, args, scan)
		if err == nil || ctx.Err() != nil || try == attempts || !passes(err) && (!sent || refused(err)) {
			return err
		}
	}
}

// scanner reads the rows of a statement to their end. It may be called again
// for another attempt.
type scanner func(pgx.Rows) error

// one scans the only row.
func one(into ...any) scanner {
	return func(rows pgx.Rows) error {
		err := pgx.ErrNoRows
		if rows.Next() {
			err = rows.Scan(into...)
		}
		rows.Close() // an error may follow the row: a commit that failed
		return cmp.Or(rows.Err(), err)
	}
}

// execute also reports whether the server may have seen the statement. It is
// sent without a name, which a pooler would lose.
func (s *Store) execute(ctx context.Context, statement string, args []any, scan scanner) (sent bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, s.in(statement), append([]any{pgx.QueryExecModeExec}, args...)...)
	if err == nil {
		err = scan(rows)
	}
	return !pgconn.SafeToRetry(err), err
}

// passes reports whether a statement had no effect and may be sent again: its
// connection was dead, or another transaction was in its way, as happens where
// the default isolation is not READ COMMITTED.
func passes(err error) bool {
	switch code(err) {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return true
	}
	return pgconn.SafeToRetry(err) && !errors.As(err, new(*pgconn.ConnectError))
}

// refused reports whether the server itself said that it did not do it. A
// server or pooler that breaks off (FATAL, PANIC, classes 08 and 57P) may have.
func refused(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.SeverityUnlocalized == "ERROR" && e.Code != "40003" && // statement_completion_unknown
		!strings.HasPrefix(e.Code, "08") && !strings.HasPrefix(e.Code, "57P")
}

// failed names the database and says what to do about err.
func (s *Store) failed(err error) error {
	return fmt.Errorf("pgstore: %s: %w%s", s.place, oneLine{err}, s.advice(err))
}

// oneLine is an error whose lines, one for each way that was tried to connect,
// are one, and each is there once.
type oneLine struct{ error }

func (e oneLine) Error() string {
	var lines []string
	for line := range strings.Lines(e.error.Error()) {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

func (e oneLine) Unwrap() error { return e.error }

func (s *Store) advice(err error) string {
	switch code(err) {
	case "28000", "28P01": // invalid authorization, invalid_password
		return "; check the user and password of the DSN, and the server's pg_hba.conf"
	case "3D000": // invalid_catalog_name
		return "; create the database, or name another in the DSN"
	case "42501": // insufficient_privilege
		return fmt.Sprintf("; as an administrator: CREATE SCHEMA %[1]s AUTHORIZATION %[2]s, or GRANT USAGE, CREATE ON SCHEMA %[1]s TO %[2]s", s.schema, s.user())
	case "25006", "55000": // read_only_sql_transaction; in recovery
		return "; the server is a read-only replica by now: name the primary, or several hosts and target_session_attrs=read-write"
	case "53100": // disk_full
		return "; free space on the server's disk"
	case "53300": // too_many_connections
		return "; lower pool_max_conns in the DSN, or raise the server's max_connections"
	case "42P01", "3F000": // undefined_table, invalid_schema_name
		return "; its tables were dropped while it was open: restart this program"
	case "57P03": // cannot_connect_now
		return "; the server is starting or stopping: try again"
	}
	return ""
}

// code is the server's SQLSTATE
// (https://www.postgresql.org/docs/current/errcodes-appendix.html), or "".
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
