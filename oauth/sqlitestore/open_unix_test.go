//go:build unix

package sqlitestore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

func TestModes(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openTest(t, path)
	mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 3 { // with -wal and -shm
		t.Errorf("the directory holds %v (%v)", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", e.Name(), info.Mode(), err)
		}
	}
	for _, tt := range []struct {
		path   string
		mode   os.FileMode
		advice string
	}{
		{path, 0o640, "; make it private with chmod go= "},
		{filepath.Dir(path), 0o755, "; choose a directory for this alone, or "}, // it may be /tmp
	} {
		if err := os.Chmod(tt.path, tt.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), tt.path+" is accessible") || !strings.Contains(err.Error(), tt.advice) {
			t.Errorf("Open where %s has mode %v: %v", tt.path, tt.mode, err)
		}
		if err := os.Chmod(tt.path, tt.mode&0o700); err != nil {
			t.Fatal(err)
		}
	}
}
