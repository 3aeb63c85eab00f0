//go:build unix

package pgstore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// A server that is killed and comes back has what it acknowledged, and is the
// same store to those who were there before.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := openTest(t, server.DSN)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	for range 3 {
		row = mustSwap(t, s, row.Version, sample(row.GrantID, row.Generation+1))
		server.Kill(t)
		if _, err := s.Load(t.Context(), row.GrantID); err == nil || errors.Is(err, oauth.ErrNoGrant) {
			t.Errorf("Load from no server: %v", err)
		}
		if _, err := s.Swap(t.Context(), row.Version, row); !errors.Is(err, oauth.ErrNotWritten) {
			t.Errorf("Swap without a server: %v", err)
		}
		server.Restart(t)
		got := mustLoad(t, s, row.GrantID)
		if got.Version != row.Version || got.StoreRun != row.StoreRun || got.Now.Before(row.Now) {
			t.Errorf("generation %d of run %q became %d of %q", row.Generation, row.StoreRun, got.Generation, got.StoreRun)
		}
	}
}

// A replica that was promoted may lack rows, and is another store. Before that
// it is none.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	s := openTest(t, primary.DSN)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	replica := primary.Replica(t)

	if _, err := Open(t.Context(), replica.DSN, Options{}); err == nil || !strings.Contains(err.Error(), "read-only replica; name the primary") {
		t.Errorf("Open of a replica: %v", err)
	}
	primary.Kill(t)
	replica.Promote(t)
	other := mustLoad(t, openTest(t, replica.DSN), row.GrantID)
	if other.Version != row.Version || other.StoreRun == row.StoreRun {
		t.Errorf("the run %q of version %s goes on over a failover with %q of version %s", row.StoreRun, row.Version, other.StoreRun, other.Version)
	}
}

// A store that finds itself on a replica neither believes what it reads nor
// writes.
func TestReplicaOfAnOpenStore(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	s := openTest(t, primary.DSN)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	replica := primary.Replica(t)
	pool, err := pgxpool.New(t.Context(), replica.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s = &Store{pool: pool, schema: s.schema}
	for what, read := range map[string]func() error{
		"Load": func() error { _, err := s.Load(t.Context(), row.GrantID); return err },
		"Load of no grant": func() error {
			_, err := s.Load(t.Context(), oauth.NewGrantID())
			return err
		},
		"Swap": func() error { _, err := s.Swap(t.Context(), row.Version, row); return err },
	} {
		if err := read(); err == nil || errors.Is(err, oauth.ErrNoGrant) || !strings.Contains(err.Error(), "read-only replica by now") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Swap(t.Context(), row.Version, row); !errors.Is(err, oauth.ErrNotWritten) {
		t.Errorf("Swap: %v", err)
	}
}

// Copies, whose rows may be old, are other stores, and so is one whose
// administrator says so.
func TestCopies(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	row := mustSwap(t, openTest(t, server.DSN), "", sample(oauth.NewGrantID(), 1))
	runs := []string{row.StoreRun}
	add := func(dsn string) {
		t.Helper()
		got := mustLoad(t, openTest(t, dsn), row.GrantID)
		if slices.Contains(runs, got.StoreRun) || got.Version != row.Version {
			t.Errorf("version %s of run %q became %s of %q", row.Version, runs, got.Version, got.StoreRun)
		}
		runs = append(runs, got.StoreRun)
	}
	pgtest.Exec(t, server.DSN, "UPDATE rblx.store SET run = gen_random_uuid()")
	add(server.DSN)

	dump := server.Dump(t)
	pgtest.Exec(t, server.DSN, "CREATE DATABASE other")
	server.Restore(t, dump, "other")
	pgtest.Exec(t, server.DSN, "CREATE DATABASE copy TEMPLATE other")
	add(server.Database("other"))
	add(server.Database("copy"))

	pgtest.Exec(t, server.DSN, "DROP SCHEMA rblx CASCADE")
	server.Restore(t, dump, "postgres")
	add(server.DSN)
}
