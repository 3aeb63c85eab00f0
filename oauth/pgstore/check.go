package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// oldest is the oldest server that will do, as server_version_num.
const oldest = 130000

// checkServer says what is wrong with a server that could never do.
func (s *Store) checkServer(ctx context.Context) error {
	var (
		recovery, readOnly bool
		version            int
		encoding           string
	)
	err := s.pool.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean,
		current_setting('server_version_num')::integer, current_setting('server_encoding')`, pgx.QueryExecModeExec).
		Scan(&recovery, &readOnly, &version, &encoding)
	switch {
	case err != nil:
		return err
	case version < oldest:
		return fmt.Errorf("the server's version is %d.%d; want %d or newer", version/10000, version%100, oldest/10000)
	case recovery:
		return errors.New("the server is a read-only replica; name the primary, or several hosts and target_session_attrs=read-write")
	case readOnly:
		return errors.New("transactions are read-only by default; unset default_transaction_read_only for this user and database")
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s; make one with ENCODING 'UTF8'", encoding)
	}
	return nil
}

// checkTables finds out whether rows can be read, written and deleted. What it
// writes is more than the free space of a page, and is rolled back.
func (s *Store) checkTables(ctx context.Context) error {
	var missing []string
	err := s.pool.QueryRow(ctx, s.in(`SELECT coalesce(array_agg(privilege || ' ON ' || name), '{}')
		FROM unnest(ARRAY['$schema.grants', '$schema.flows', '$schema.store']) AS name,
			unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
		WHERE NOT has_table_privilege(name, privilege) AND (privilege = 'SELECT' OR name <> '$schema.store')`),
		pgx.QueryExecModeExec).Scan(&missing)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the user %s lacks rights: GRANT %s", s.user(), strings.Join(missing, ", "))
	}
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is to be kept
	_, err = tx.Exec(ctx, s.in(`INSERT INTO $schema.flows (id, binding, expires, sealed)
		VALUES (gen_random_uuid(), '', now(), decode(repeat('00', 1 << 17), 'hex'))`), pgx.QueryExecModeExec)
	return err
}

func (s *Store) user() string { return s.pool.Config().ConnConfig.User }
