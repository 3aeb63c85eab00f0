package pgstore

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"
)

// migrations lead from each version of the schema to the next; the table store
// has the number of those it has been through. What a row holds is in content;
// the other columns repeat what queries need. A page has room for an update of
// a row beside it, and rows of the usual size stay out of the TOAST table.
func migrations() []string {
	return []string{`
CREATE TABLE $schema.store (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	version integer NOT NULL,
	run text NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO $schema.store (version) VALUES (0);
-- A function, so that sessions keep its plan where they cannot keep statements'.
-- It fails on a replica.
CREATE FUNCTION $schema.run() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT concat_ws('-', c.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), d.oid, s.tableoid::bigint, s.run)
		FROM $schema.store s, pg_control_system() c, pg_database d WHERE d.datname = current_database());
END $$;
CREATE TABLE $schema.grants (
	id text COLLATE "C" PRIMARY KEY,
	version text NOT NULL,
	subject text COLLATE "C" NOT NULL,
	state text COLLATE "C" NOT NULL,
	issued timestamptz NOT NULL,
	claimed_until timestamptz NOT NULL DEFAULT '-infinity',
	content text NOT NULL
) WITH (fillfactor = 70, toast_tuple_target = 8160);
ALTER TABLE $schema.grants ALTER content SET STORAGE EXTERNAL;
CREATE INDEX grants_subject ON $schema.grants (subject, id);
CREATE INDEX grants_state ON $schema.grants (state, id) WHERE state <> 'active';
CREATE INDEX grants_due ON $schema.grants (issued, id) WHERE state = 'active';
CREATE TABLE $schema.flows (
	id text COLLATE "C" PRIMARY KEY,
	binding text NOT NULL,
	expires timestamptz NOT NULL,
	used boolean NOT NULL DEFAULT false,
	sealed bytea
);
ALTER TABLE $schema.flows ALTER sealed SET STORAGE EXTERNAL;
CREATE INDEX flows_expires ON $schema.flows (expires);
`}
}

// prepare checks the server, and makes a new schema ours or brings an older one
// up to date. It changes nothing in a schema that is not ours.
func (s *Store) prepare(ctx context.Context, noMigrations bool) error {
	if err := s.checkServer(ctx); err != nil {
		return err
	}
	version, err := s.schemaVersion(ctx, s.pool, len(migrations()))
	if err != nil {
		return err
	}
	if known := len(migrations()); version != known {
		switch {
		case noMigrations && version == 0:
			return fmt.Errorf("there are no grants in the schema %s", s.schema)
		case noMigrations:
			return fmt.Errorf("the schema %s has version %d, and this program needs %d: open it once without NoMigrations", s.schema, version, known)
		}
		if err := s.migrate(ctx, migrations()); err != nil {
			return err
		}
	}
	return s.checkTables(ctx)
}

// queryer is a pool or a transaction.
type queryer interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// schemaVersion is 0 where there is no schema, or nothing in it.
func (s *Store) schemaVersion(ctx context.Context, db queryer, known int) (version int, err error) {
	var tables int
	var ours bool
	err = db.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE relname = 'store' AND relkind = 'r') > 0
		FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)`,
		pgx.QueryExecModeExec, s.schema).Scan(&tables, &ours)
	if err != nil || tables == 0 {
		return 0, err
	}
	if !ours {
		return 0, fmt.Errorf("the schema %s holds the tables of another program; name another in Options.Schema or the DSN's search_path", s.schema)
	}
	err = db.QueryRow(ctx, s.in("SELECT version FROM $schema.store"), pgx.QueryExecModeExec).Scan(&version)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, fmt.Errorf("the table %s.store is empty; restore it from a backup", s.schema)
	case err != nil:
		return 0, err
	case version > known:
		return 0, fmt.Errorf("the schema %s has version %d, and this program knows %d; use a newer version of this program", s.schema, version, known)
	}
	return version, nil
}

// migrate runs inside one transaction and under a lock: of processes that open
// a new schema at once, one makes it and the others find it.
func (s *Store) migrate(ctx context.Context, all []string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", pgx.QueryExecModeExec, s.lockKey()); err != nil {
			return err
		}
		version, err := s.schemaVersion(ctx, tx, len(all))
		if err != nil {
			return err
		}
		// Not CREATE SCHEMA IF NOT EXISTS, which asks for the right to create one.
		var exists bool
		err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", pgx.QueryExecModeExec, s.schema).Scan(&exists)
		if err == nil && !exists {
			_, err = tx.Exec(ctx, s.in("CREATE SCHEMA $schema"), pgx.QueryExecModeSimpleProtocol)
		}
		for ; err == nil && version < len(all); version++ {
			_, err = tx.Exec(ctx, s.in(all[version]), pgx.QueryExecModeSimpleProtocol)
		}
		if err == nil {
			_, err = tx.Exec(ctx, s.in("UPDATE $schema.store SET version = $1 WHERE version < $1"), pgx.QueryExecModeExec, len(all))
		}
		return err
	})
}

// lockKey is the schema's among all advisory locks of the database.
func (s *Store) lockKey() int64 {
	h := fnv.New64a()
	h.Write([]byte("rblx pgstore " + s.schema))
	return int64(h.Sum64()) //nolint:gosec // any number will do
}
