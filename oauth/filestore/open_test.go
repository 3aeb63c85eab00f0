package filestore

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	file := filepath.Join(base, "file")
	mustWrite(t, file, nil)
	if _, err := Open(file); err == nil || !strings.HasPrefix(err.Error(), "filestore: ") {
		t.Errorf("Open of a file: %v", err)
	}
	if _, err := Open(""); err == nil || err.Error() != "filestore: the directory has no name" {
		t.Errorf("Open without a name: %v", err)
	}
	dir := filepath.Join(base, "dir")
	openTest(t, dir)
	mustWrite(t, filepath.Join(dir, identityFile), []byte("x"))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), identityFile) {
		t.Errorf("Open with a damaged identity: %v", err)
	}
}

func TestRunOfTheStore(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	row := mustSwap(t, openTest(t, dir), "", sample(oauth.NewGrantID(), 1))
	again := mustLoad(t, openTest(t, dir), row.GrantID)
	if again.StoreRun != row.StoreRun || again.Now.Before(row.Now) {
		t.Errorf("reopened, run %q at %v became run %q at %v", row.StoreRun, row.Now, again.StoreRun, again.Now)
	}

	restored := newDir(t)
	copyDir(t, dir, restored)
	if got := mustLoad(t, openTest(t, restored), row.GrantID); got.StoreRun == row.StoreRun {
		t.Error("a copy of the directory, whose rows may be old, has the same run")
	}
}

// After a reboot the clock begins anew. What was announced before it is over,
// and nothing that was written is in doubt for it.
func TestReboot(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	row := sample(oauth.NewGrantID(), 1)
	row.Intent = &oauth.Intent{ID: "intent", Base: 1, Deadline: bootclock.Now().Add(time.Hour)}
	row.CommittedAt = bootclock.Now()
	row = mustSwap(t, openTest(t, dir), "", row)

	s := openTest(t, dir)
	s.boot = "the next"
	got := mustLoad(t, s, row.GrantID)
	start := time.Unix(0, 0).UTC()
	if got.StoreRun != row.StoreRun || got.Intent == nil || got.Intent.ID != "intent" ||
		!got.Intent.Deadline.Equal(start) || !got.CommittedAt.Equal(start) || !got.Expiry.Equal(row.Expiry) {
		t.Errorf("after a reboot: %+v, intent %+v", got, got.Intent)
	}
	if rows, err := s.ClaimDue(t.Context(), 1, time.Hour); err != nil || len(rows) != 1 {
		t.Errorf("claims: %v, %v", rows, err)
	}
	s.boot = "the one after that"
	if rows, err := s.ClaimDue(t.Context(), 1, time.Hour); err != nil || len(rows) != 1 {
		t.Errorf("claims of an earlier boot hold: %v, %v", rows, err)
	}
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), localdir.DirMode)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, localdir.FileMode)
	})
	if err != nil {
		t.Fatal(err)
	}
}
