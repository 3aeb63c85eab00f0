//go:build unix

package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

func TestModes(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openTest(t, dir)
	row := mustSwap(t, s, "", withIntent(sample(oauth.NewGrantID(), 1)))
	if _, err := s.ClaimDue(t.Context(), 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.PutFlow(t.Context(), oauth.Flow{ID: "flow"}); err != nil {
		t.Fatal(err)
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		want := localdir.FileMode
		if info.IsDir() {
			want = localdir.DirMode
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	path := rowPath(s, row.GrantID)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), row.GrantID); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "0640") {
		t.Errorf("Load of a row that a group may read: %v", err)
	}
	if _, err := s.Swap(t.Context(), row.Version, row); !errors.Is(err, oauth.ErrNotWritten) {
		t.Errorf("Swap of a row that a group may read: %v", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "0755") {
		t.Errorf("Open of a directory that all may read: %v", err)
	}
}

func TestSymlinksAreRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openTest(t, dir)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))

	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(link); err == nil || !strings.Contains(err.Error(), "symlink") {
		t.Errorf("Open of a symlink: %v", err)
	}

	outside := filepath.Join(t.TempDir(), "outside")
	mustWrite(t, outside, []byte("precious"))
	inside := s.path("precious")
	mustWrite(t, inside, []byte("precious"))
	name := s.path(rowName(row.GrantID))
	for _, target := range []string{outside, inside, "../../precious"} {
		for _, suffix := range []string{".tmp", spareSuffix} {
			if err := os.Symlink(target, name+suffix); err != nil {
				t.Fatal(err)
			}
			next := row
			if suffix == spareSuffix {
				next = withIntent(row)
			}
			if _, err := s.Swap(t.Context(), row.Version, next); !errors.Is(err, oauth.ErrNotWritten) {
				t.Errorf("writing through %s -> %s: %v", suffix, target, err)
			}
			_ = os.Remove(name + suffix) // perhaps removed by the store
		}
	}
	for _, path := range []string{outside, inside} {
		if string(mustRead(t, path)) != "precious" {
			t.Errorf("%s was written through a symlink", path)
		}
	}
	if err := os.Rename(name+rowSuffix, inside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../precious", name+rowSuffix); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), row.GrantID); err == nil || errors.Is(err, oauth.ErrNoGrant) {
		t.Errorf("Load through a symlink: %v", err)
	}
}
