package pgstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// schemaOf is the schema that a DSN of pgtest names.
func schemaOf(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("search_path")
}

// edited is a DSN with something else in it.
func edited(t testing.TB, dsn string, edit func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	edit(u)
	return u.String()
}

// newUser returns the DSN of a user without rights, gone when the test ends.
func newUser(t testing.TB, dsn string) (userDSN, user string) {
	t.Helper()
	user = "test_" + strings.ToLower(rand.Text())
	pgtest.Exec(t, dsn, "CREATE ROLE "+user+" LOGIN")
	t.Cleanup(func() { pgtest.Exec(t, dsn, "DROP OWNED BY "+user+"; DROP ROLE "+user) })
	return edited(t, dsn, func(u *url.URL) { u.User = url.User(user) }), user
}

// closed returns the DSN of a store that nobody has open.
func closed(t testing.TB) string {
	t.Helper()
	dsn := pgtest.DSN(t)
	s, err := Open(t.Context(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dsn
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	pgtest.DSN(t)
	for name, tt := range map[string]struct {
		dsn  func(t testing.TB) string
		opts Options
		says []string
	}{
		"no DSN at all": {dsn: func(testing.TB) string { return "postgres://user:hush hush@[::1" },
			says: []string{"the DSN cannot be parsed"}},
		"an unknown setting": {dsn: func(testing.TB) string { return "postgres://user:hush@localhost/?sslmode=maybe" },
			says: []string{"the DSN cannot be parsed"}},
		"a bad ListenDSN": {dsn: closed, opts: Options{ListenDSN: "postgres://user:hush@host:port/"},
			says: []string{"ListenDSN cannot be parsed"}},
		"a bad schema": {dsn: func(t testing.TB) string { return pgtest.With(t, pgtest.URL(), "search_path", "app, public") },
			says: []string{`Schema "app, public"`, "lower-case"}},
		"nobody there": {dsn: func(testing.TB) string { return "postgres://user:hush@127.0.0.1:1/test" },
			says: []string{"127.0.0.1:1/test", "refused"}},
		"no such database": {dsn: func(t testing.TB) string { return edited(t, pgtest.DSN(t), func(u *url.URL) { u.Path = "/nowhere" }) },
			says: []string{"/nowhere", "create the database"}},
		"no such user": {dsn: func(t testing.TB) string {
			return edited(t, pgtest.DSN(t), func(u *url.URL) { u.User = url.UserPassword("nobody", "hush") })
		},
			says: []string{"nobody", "check the user"}},
		"no right to create": {dsn: func(t testing.TB) string {
			dsn, _ := newUser(t, pgtest.DSN(t))
			return dsn
		}, says: []string{"permission denied", "as an administrator: CREATE SCHEMA test_"}},
		"no right to use": {dsn: func(t testing.TB) string {
			dsn, _ := newUser(t, closed(t))
			return dsn
		}, says: []string{"permission denied", "GRANT USAGE"}},
		"no right to write": {dsn: func(t testing.TB) string {
			dsn, user := newUser(t, closed(t))
			schema := schemaOf(t, dsn)
			pgtest.Exec(t, pgtest.URL(), fmt.Sprintf("GRANT USAGE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA %[1]s TO %[2]s", schema, user))
			return dsn
		}, says: []string{"lacks rights", "GRANT UPDATE ON test_", "DELETE ON test_"}},
		"read-only": {dsn: func(t testing.TB) string {
			return pgtest.With(t, closed(t), "default_transaction_read_only", "on")
		}, says: []string{"unset default_transaction_read_only"}},
		"a newer schema": {dsn: func(t testing.TB) string {
			dsn := closed(t)
			pgtest.Exec(t, dsn, "UPDATE store SET version = 99")
			return dsn
		}, says: []string{"version 99, and this program knows 1", "use a newer version of this program"}},
		"another program's schema": {dsn: func(t testing.TB) string {
			dsn := pgtest.DSN(t)
			schema := schemaOf(t, dsn)
			pgtest.Exec(t, dsn, "CREATE SCHEMA "+schema+"; CREATE TABLE users (id int)")
			return dsn
		}, says: []string{"tables of another program", "Options.Schema"}},
		"nothing there, and nothing to be made": {dsn: pgtest.DSN, opts: Options{NoMigrations: true},
			says: []string{"no grants in the schema"}},
		"no identity": {dsn: func(t testing.TB) string {
			dsn := closed(t)
			pgtest.Exec(t, dsn, "DELETE FROM store")
			return dsn
		}, says: []string{"restore it from a backup"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), tt.dsn(t), tt.opts)
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			text := fmt.Sprintf("%v %+v", err, err)
			for _, part := range tt.says {
				if !strings.Contains(text, part) {
					t.Errorf("%v; want it to say %q", err, part)
				}
			}
			if !strings.HasPrefix(text, "pgstore: ") || strings.Contains(text, "hush") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: it has no name, a secret, or lines", text)
			}
		})
	}
}

// A user who may only read and write opens what an administrator has made.
func TestLeastRights(t *testing.T) {
	t.Parallel()
	dsn, user := newUser(t, closed(t))
	pgtest.Exec(t, pgtest.URL(), fmt.Sprintf(`GRANT USAGE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s.grants, %[1]s.flows TO %[2]s;
		GRANT SELECT ON %[1]s.store TO %[2]s`, schemaOf(t, dsn), user))
	s := openTest(t, dsn)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	mustSwap(t, s, row.Version, sample(row.GrantID, 2))
}

// Of many who open a new schema at once, one makes it and all agree.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	const many = 8
	stores := make([]*Store, many)
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			var err error
			if stores[i], err = Open(t.Context(), dsn, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	runs := map[string]bool{}
	for _, s := range stores {
		if s != nil {
			runs[mustSwap(t, s, "", sample(oauth.NewGrantID(), 1)).StoreRun] = true
			_ = s.Close()
		}
	}
	if len(runs) != 1 {
		t.Errorf("the stores disagree on their run: %v", runs)
	}
}

// An older schema is brought up to date once, by one of many, with what is in
// it; the older program then says why it stops.
func TestMigrate(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	old := openTest(t, dsn)
	row := mustSwap(t, old, "", sample(oauth.NewGrantID(), 1))
	newer := append(migrations(), "ALTER TABLE $schema.grants ADD region text", "CREATE TABLE $schema.regions ()")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := old.migrate(t.Context(), newer); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var version int
	if err := old.pool.QueryRow(t.Context(), old.in("SELECT version FROM $schema.store")).Scan(&version); err != nil || version != len(newer) {
		t.Errorf("version %d, %v", version, err)
	}
	row = mustSwap(t, old, row.Version, sample(row.GrantID, 2)) // a process that is open goes on
	if _, err := Open(t.Context(), dsn, Options{}); err == nil || !strings.Contains(err.Error(), "use a newer version") {
		t.Errorf("Open by an older program: %v", err)
	}
	if got := mustLoad(t, old, row.GrantID); got.Version != row.Version {
		t.Error("the migration changed a row")
	}
}

// A migration that fails leaves the schema as it was.
func TestMigrationFails(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	s := openTest(t, dsn)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	err := s.migrate(t.Context(), append(migrations(), "DROP TABLE $schema.flows; SELECT 1/0"))
	if err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("migrate: %v", err)
	}
	if got := mustLoad(t, openTest(t, dsn), row.GrantID); got.Version != row.Version {
		t.Error("a row is lost")
	}
}

// New uses a pool as it is, and leaves it open.
func TestNew(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	pool, err := pgxpool.New(t.Context(), pgtest.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s, err := New(t.Context(), pool, Options{Schema: schemaOf(t, dsn)})
	if err != nil {
		t.Fatal(err)
	}
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pool.Ping(context.Background()); err != nil {
		t.Errorf("the pool after Close: %v", err)
	}
	if got := mustLoad(t, openTest(t, dsn), row.GrantID); got.Version != row.Version {
		t.Error("Open with a search_path and New with a Schema have different tables")
	}
}
