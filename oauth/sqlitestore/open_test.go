package sqlitestore

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
)

// change executes statements in the database of a path, as another program.
func change(t testing.TB, path string, statements string, args ...any) {
	t.Helper()
	db, err := connect(path, 1)
	if err == nil {
		_, err = db.ExecContext(t.Context(), statements, args...)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// closed returns the path of a database with one grant, nobody's at the moment.
func closed(t *testing.T) (path string, row oauth.Row) {
	t.Helper()
	path = newPath(t)
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	row = mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path, row
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil   func(t *testing.T, path string)
		says    string
		corrupt bool
	}{
		"a newer schema": {func(t *testing.T, path string) { change(t, path, "PRAGMA user_version = 99") },
			fmt.Sprintf("version 99, and this program knows %d", len(migrations())), false},
		"another program's": {func(t *testing.T, path string) { change(t, path, "PRAGMA application_id = 7") }, "id 0x7", false},
		"no program's": {func(t *testing.T, path string) {
			change(t, path, "PRAGMA application_id = 0; PRAGMA user_version = 0")
		}, "another program", false},
		"no database": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("hello "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a database", true},
		"a truncated file": {func(t *testing.T, path string) {
			if err := os.Truncate(path, 4096*3); err != nil {
				t.Fatal(err)
			}
		}, "malformed", true},
		"a directory": {func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "no regular file", false},
		"a symlink": {func(t *testing.T, path string) {
			if err := errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path)); err != nil {
				t.Fatal(err)
			}
		}, "no regular file", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := closed(t)
			tt.spoil(t, path)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			var before []byte
			if !info.IsDir() {
				before = mustRead(t, path)
			}
			s, err := Open(path)
			if err == nil {
				_ = s.Close()
			}
			if err == nil || !strings.HasPrefix(err.Error(), "sqlitestore: "+path) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open: %v; want the file named, and %q", err, tt.says)
			}
			if errors.Is(err, oauth.ErrCorruptRow) != tt.corrupt {
				t.Errorf("Open: %v; wraps ErrCorruptRow: %v, want %v", err, !tt.corrupt, tt.corrupt)
			}
			if before != nil && !bytes.Equal(mustRead(t, path), before) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestRunOfTheStore(t *testing.T) {
	t.Parallel()
	path, row := closed(t)
	again := mustLoad(t, openTest(t, path), row.GrantID)
	if again.StoreRun != row.StoreRun || again.Now.Before(row.Now) {
		t.Errorf("reopened, run %q at %v became run %q at %v", row.StoreRun, row.Now, again.StoreRun, again.Now)
	}
	restored := newPath(t)
	if err := os.MkdirAll(filepath.Dir(restored), 0o700); err != nil {
		t.Fatal(err)
	}
	change(t, path, "VACUUM INTO ?", restored)
	if err := os.Chmod(restored, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mustLoad(t, openTest(t, restored), row.GrantID); got.StoreRun == row.StoreRun || got.Version != row.Version {
		t.Error("a copy of the database, whose rows may be old, has the same run")
	}
}

// Where a backup is put in the place of an open database, its process neither
// reads from nor writes to a file that is gone.
func TestReplacedWhileOpen(t *testing.T) {
	t.Parallel()
	path, row := closed(t)
	s := openTest(t, path)
	change(t, path, "VACUUM INTO ?", path+"2")
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	_, err := s.Swap(t.Context(), row.Version, sample(row.GrantID, 2))
	if !errors.Is(err, oauth.ErrNotWritten) || !strings.Contains(err.Error(), "taken its place") {
		t.Errorf("Swap: %v", err)
	}
	if _, err := s.Load(t.Context(), row.GrantID); err == nil || !strings.Contains(err.Error(), "taken its place") {
		t.Errorf("Load: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), row.GrantID); err == nil || errors.Is(err, oauth.ErrNoGrant) {
		t.Errorf("Load from a file that was removed: %v", err)
	}
}

// After a reboot the clock begins anew. What was announced before it is over,
// and nothing that was written is in doubt for it.
func TestReboot(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	row := withIntent(sample(oauth.NewGrantID(), 1))
	row.CommittedAt = bootclock.Now()
	row = mustSwap(t, openTest(t, path), "", row)

	s := openTest(t, path)
	s.boot = "the next"
	got := mustLoad(t, s, row.GrantID)
	start := time.Unix(0, 0)
	if got.StoreRun != row.StoreRun || got.Intent == nil || got.Intent.ID != row.Intent.ID ||
		!got.Intent.Deadline.Equal(start) || !got.CommittedAt.Equal(start) || !got.RefreshIssued.Equal(row.RefreshIssued) {
		t.Errorf("after a reboot: %+v, intent %+v", got, got.Intent)
	}
	for _, boot := range []string{"the next", "the one after that"} {
		s.boot = boot
		if rows, err := s.ClaimDue(t.Context(), 1, time.Hour); err != nil || len(rows) != 1 {
			t.Errorf("claims of an earlier boot hold: %v, %v", rows, err)
		}
	}
}

// A commit is flushed before it is acknowledged, and readers do not wait for it.
func TestDurability(t *testing.T) {
	t.Parallel()
	s := openTest(t, newPath(t))
	for _, db := range []*sql.DB{s.writer, s.reader} {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "fullfsync": "1", "busy_timeout": "10000"} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
			}
		}
	}
}
