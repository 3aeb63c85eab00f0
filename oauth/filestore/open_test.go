package filestore

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	file := filepath.Join(base, "file")
	mustWrite(t, file, nil)
	if _, err := Open(file); err == nil || !strings.HasPrefix(err.Error(), "filestore: ") {
		t.Errorf("Open of a file: %v", err)
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
			return os.Mkdir(filepath.Join(to, rel), dirMode)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, fileMode)
	})
	if err != nil {
		t.Fatal(err)
	}
}
