package sqlitestore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// applicationID, "rblx" in ASCII, marks a database of this package in its
// header (https://sqlite.org/pragma.html#pragma_application_id).
const applicationID = 0x72626c78

// migrations lead from each version of the schema to the next; a database's
// user_version is the number of those it has been through. What a row holds is
// in content; the other columns repeat what queries need.
func migrations() []string {
	return []string{`
CREATE TABLE identity (id TEXT NOT NULL) STRICT;
CREATE TABLE grants (
	id          TEXT PRIMARY KEY,
	version     TEXT NOT NULL,
	subject     TEXT NOT NULL,
	state       TEXT NOT NULL,
	issued      INTEGER NOT NULL, -- microseconds since 1970, as all times here
	claim_boot  TEXT NOT NULL DEFAULT '', -- whose clock claim_until is read from
	claim_until INTEGER NOT NULL DEFAULT 0,
	content     BLOB NOT NULL
) STRICT;
CREATE INDEX grants_subject ON grants (subject, id);
CREATE INDEX grants_state ON grants (state, id);
CREATE INDEX grants_due ON grants (issued, id) WHERE state = 'active';
CREATE TABLE flows (
	id      TEXT PRIMARY KEY,
	binding TEXT NOT NULL,
	expires INTEGER NOT NULL,
	used    INTEGER NOT NULL DEFAULT 0,
	sealed  BLOB
) STRICT;
CREATE INDEX flows_expires ON flows (expires);
`}
}

// prepare makes a new database ours and brings an older one up to date. It
// changes nothing in a database that is not ours.
func prepare(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if err := useWAL(ctx, conn); err != nil {
		return err
	}
	if version == len(migrations()) {
		return nil
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = migrate(ctx, conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		discard(conn)
	}
	return err
}

// schemaVersion is 0 for a database that is empty.
func schemaVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	var application, tables int
	err = conn.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
		FROM pragma_application_id, pragma_user_version`).Scan(&application, &version, &tables) // at one moment: others may be migrating
	if err != nil {
		return 0, err
	}
	known := len(migrations())
	switch {
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID:
		return 0, fmt.Errorf("it is the database of another program (application id %#x, not %#x)", application, applicationID)
	case version > known:
		return 0, fmt.Errorf("its schema has version %d, and this program knows %d; use a newer version of this program", version, known)
	}
	return version, nil
}

// useWAL sets the journal mode, which the file keeps. While another process
// does the same SQLite does not wait, but says that it is busy.
func useWAL(ctx context.Context, conn *sql.Conn) error {
	for {
		var mode string
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("its journal mode stays %s", mode)
		case !isBusy(err):
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// migrate runs inside one transaction: of processes that open a new file at
// once, one makes the schema and the others find it.
func migrate(ctx context.Context, conn *sql.Conn) error {
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	for _, statements := range migrations()[version:] {
		if _, err := conn.ExecContext(ctx, statements); err != nil {
			return err
		}
	}
	if version == 0 {
		if _, err := conn.ExecContext(ctx, "INSERT INTO identity (id) VALUES (?)", rand.Text()); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations())))
	return err
}
