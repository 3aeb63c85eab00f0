package pgstore

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// wire stands between a store and its server, and can be cut.
type wire struct {
	dsn string

	mu  sync.Mutex
	cut cut
}

// cut is where connections break that somebody uses.
type cut int

const (
	nowhere cut = iota
	requests
	answers
)

func newWire(t *testing.T, dsn string) *wire {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	u.Host = l.Addr().String()
	w := &wire{dsn: u.String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			db, err := net.Dial("tcp", server) //nolint:noctx // likewise
			if err != nil {
				_ = client.Close()
				continue
			}
			go w.carry(db, client, requests)
			go w.carry(client, db, answers)
		}
	}()
	return w
}

func (w *wire) carry(to, from net.Conn, kind cut) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || w.at() == kind {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (w *wire) at() cut {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

func (w *wire) set(c cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = c
}

// Whether a write was lost or only its answer, its outcome is unknown, and the
// next one that reads learns it.
func TestLostConnections(t *testing.T) {
	t.Parallel()
	w := newWire(t, pgtest.DSN(t))
	s := openTest(t, w.dsn)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	for _, tt := range []struct {
		cut   cut
		wrote bool
	}{{requests, false}, {answers, true}} {
		mustLoad(t, s, row.GrantID) // the connection is fresh: nobody tries it first
		w.set(tt.cut)
		_, err := s.Swap(t.Context(), row.Version, sample(row.GrantID, row.Generation+1))
		if !errors.Is(err, oauth.ErrUnknown) || errors.Is(err, oauth.ErrNotWritten) || errors.Is(err, oauth.ErrConflict) {
			t.Errorf("Swap over a cut connection: %v", err)
		}
		w.set(nowhere)
		got := mustLoad(t, s, row.GrantID)
		if (got.Generation > row.Generation) != tt.wrote {
			t.Errorf("generation %d was to become %d and is %d", row.Generation, row.Generation+1, got.Generation)
		}
		row = got
	}
	mustSwap(t, s, row.Version, row)
}

// A read goes on over connections that died while nobody used them.
func TestDeadConnections(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	s := openTest(t, pgtest.With(t, dsn, "application_name", schemaOf(t, dsn)))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	terminate := "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '" + schemaOf(t, dsn) + "'"
	for range 5 {
		mustLoad(t, s, row.GrantID)
		pgtest.Exec(t, dsn, terminate)
		mustLoad(t, s, row.GrantID)
	}
}

// lock holds a row until release.
func lock(t *testing.T, dsn string, id oauth.GrantID) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "SELECT FROM grants WHERE id = $1 FOR UPDATE", string(id))
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(context.WithoutCancel(t.Context())) }
}

// awaitLock waits until a connection of that application waits for a lock.
func awaitLock(t *testing.T, dsn, application string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for waiting := false; !waiting; time.Sleep(5 * time.Millisecond) {
		err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND application_name = $1)", application).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setting, value string
		during         string // statements while the swap waits for a lock
		givesUp        bool   // the caller does, when the swap waits for a lock
		want, says     error
	}{
		"the server gives up waiting":  {setting: "lock_timeout", value: "3000", want: oauth.ErrNotWritten},
		"the statement takes too long": {setting: "statement_timeout", value: "3000", want: oauth.ErrNotWritten},
		"the statement is cancelled":   {during: "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = '$name')", want: oauth.ErrNotWritten},
		"the connection is terminated": {during: "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = '$name')", want: oauth.ErrUnknown},
		"the caller gives up":          {givesUp: true, want: oauth.ErrUnknown, says: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := closed(t)
			name := schemaOf(t, dsn)
			mine := pgtest.With(t, dsn, "application_name", name)
			if tt.setting != "" {
				mine = pgtest.With(t, mine, tt.setting, tt.value)
			}
			s := openTest(t, mine)
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			release := lock(t, dsn, row.GrantID)
			defer release()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := s.Swap(ctx, row.Version, row)
				done <- err
			}()
			if tt.givesUp {
				awaitLock(t, dsn, name)
				cancel()
			}
			for tt.during != "" && len(done) == 0 {
				pgtest.Exec(t, dsn, strings.ReplaceAll(tt.during, "$name", name))
			}
			err := <-done
			for _, outcome := range []error{oauth.ErrNotWritten, oauth.ErrUnknown, oauth.ErrConflict} {
				if errors.Is(err, outcome) != errors.Is(outcome, tt.want) {
					t.Errorf("Swap: %v, want %v", err, tt.want)
				}
			}
			if tt.says != nil && !errors.Is(err, tt.says) {
				t.Errorf("Swap: %v, want %v", err, tt.says)
			}
		})
	}
}

// What is wrong only after the store was opened is refused as clearly.
func TestTroubleLater(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil  func(t *testing.T, dsn, user string)
		advice string
	}{
		"rights are revoked": {func(t *testing.T, dsn, user string) {
			t.Helper()
			pgtest.Exec(t, dsn, "REVOKE UPDATE ON grants FROM "+user)
		}, "GRANT USAGE"},
		"the tables are dropped": {func(t *testing.T, dsn, _ string) {
			t.Helper()
			pgtest.Exec(t, dsn, "DROP TABLE grants")
		}, "restart this program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin := closed(t)
			dsn, user := newUser(t, admin)
			schema := schemaOf(t, dsn)
			pgtest.Exec(t, admin, "GRANT USAGE ON SCHEMA "+schema+" TO "+user+"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "+schema+" TO "+user)
			s := openTest(t, dsn)
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			tt.spoil(t, admin, user)
			_, err := s.Swap(t.Context(), row.Version, row)
			if !errors.Is(err, oauth.ErrNotWritten) || !strings.Contains(err.Error(), tt.advice) || !strings.Contains(err.Error(), s.place) {
				t.Errorf("Swap: %v", err)
			}
		})
	}
}

// Each write of a grant or a sign-in waits for the server's disk, whatever is
// the default of others.
func TestWritesAreFlushed(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"off": "on", "local": "on", "remote_write": "on", "on": "on", "remote_apply": "remote_apply"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			s := openTest(t, pgtest.With(t, dsn, "synchronous_commit", setting))
			pgtest.Exec(t, dsn, `CREATE TABLE flushed (operation text, setting text);
				CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
					INSERT INTO `+s.schema+`.flushed VALUES (TG_TABLE_NAME || ' ' || TG_OP, current_setting('synchronous_commit')); RETURN NULL;
				END $$;
				CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON grants FOR EACH ROW EXECUTE FUNCTION note();
				CREATE TRIGGER note AFTER UPDATE ON flows FOR EACH ROW EXECUTE FUNCTION note()`)
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			row = mustSwap(t, s, row.Version, withIntent(row))
			if err := s.Delete(t.Context(), row.GrantID, row.Version); err != nil {
				t.Fatal(err)
			}
			if err := s.PutFlow(t.Context(), oauth.Flow{ID: "flow", Expires: time.Now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.TakeFlow(t.Context(), "flow", ""); err != nil {
				t.Fatal(err)
			}
			var got string
			if err := s.pool.QueryRow(t.Context(), s.in("SELECT string_agg(operation || ' ' || setting, ', ' ORDER BY operation) FROM $schema.flushed")).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if all := "flows UPDATE " + want + ", grants DELETE " + want + ", grants INSERT " + want + ", grants UPDATE " + want; got != all {
				t.Errorf("committed with %s, want %s", got, all)
			}
		})
	}
}
