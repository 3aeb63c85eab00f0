package tinkseal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/internal/testenv"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// rotate adds a key and makes it primary at once.
func rotate(t *testing.T, path string) {
	t.Helper()
	if _, err := tinkseal.AddKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := tinkseal.Promote(path); err != nil {
		t.Fatal(err)
	}
}

func TestFollowsItsFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path, first := create(t)
		s := open(t, path)
		primary := func() uint32 {
			for _, k := range s.Keys() {
				if k.Primary {
					return k.ID
				}
			}
			return 0
		}
		rotate(t, path)
		if primary() != first {
			t.Error("it looks at its file all the time")
		}
		time.Sleep(10 * time.Second)
		if primary() == first {
			t.Error("the new primary key went unnoticed")
		}
		if err := s.Reload(); err != nil {
			t.Error(err)
		}

		// A key that it does not know is there at once.
		rotate(t, path)
		if sealed := seal(t, open(t, path), "x", ""); !opens(s, sealed) {
			t.Error("a new key is unknown, though it is in the file")
		}

		// A file that becomes unreadable takes no key away.
		sealed := seal(t, s, "x", "")
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if !opens(s, sealed) {
			t.Error("the keys at hand are gone")
		}
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), path) {
			t.Error("Reload:", err)
		}
		other, _ := create(t)
		_, _, err := s.Open(seal(t, open(t, other), "x", ""), nil)
		if !errors.Is(err, oauth.ErrUnknownKey) || !strings.Contains(err.Error(), "no Tink keyset") {
			t.Error("an unknown key, and a file that cannot be read:", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if !opens(s, sealed) {
			t.Error("the keys at hand are gone with the file")
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, _ := create(t)
	for name, c := range map[string]struct {
		prepare func(path string) error
		want    string
	}{
		"no file":   {func(string) error { return nil }, ""},
		"directory": {func(p string) error { return os.Mkdir(p, 0o700) }, "no regular file"},
		"empty":     {func(p string) error { return os.WriteFile(p, nil, 0o600) }, "empty"},
		"garbage":   {func(p string) error { return os.WriteFile(p, []byte("hunter2"), 0o600) }, "no Tink keyset"},
	} {
		p := filepath.Join(dir, name)
		if err := c.prepare(p); err != nil {
			t.Fatal(err)
		}
		_, err := tinkseal.Open(p)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), p) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := tinkseal.AddKey(p); err == nil {
			t.Errorf("%s: a key was added", name)
		}
	}
	if _, err := tinkseal.Open(filepath.Join(dir, "no file")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if runtime.GOOS == "windows" {
		return // the mode says nothing there
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() error{
			"Open":   func() error { _, err := tinkseal.Open(path); return err },
			"AddKey": func() error { _, err := tinkseal.AddKey(path); return err },
		} {
			if err := do(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("%s with mode %o: %v", what, mode, err)
			}
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := tinkseal.Open(path); err != nil {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestFilesAreReplacedWhole(t *testing.T) {
	t.Parallel()
	path, id := create(t)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if _, err := tinkseal.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Error("Create over a keyset:", err)
	}
	if _, err := tinkseal.Promote(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Promote of nothing:", err)
	}
	if _, err := tinkseal.Create(filepath.Join(t.TempDir(), "none", "keyset")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Create in no directory:", err)
	}
	// Somebody else is at it, or died.
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tinkseal.AddKey(path); err == nil || !strings.Contains(err.Error(), path+".new") {
		t.Error(err)
	}
	if got := open(t, path).Keys(); len(got) != 1 || got[0].ID != id {
		t.Error("the keyset was changed:", got)
	}
	if err := os.Remove(path + ".new"); err != nil {
		t.Fatal(err)
	}
	// A link stays one.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		testenv.Skip(t, "no symlinks here: %v", err)
	}
	rotate(t, link)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced", err)
	}
	if got := open(t, path).Keys(); len(got) != 2 {
		t.Error(got)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Error("files were left behind:", entries, err)
	}
}

// Whoever adds keys at the same time, one wins, and no key is lost.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	path, _ := create(t)
	var added atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := tinkseal.AddKey(path); err == nil {
				added.Add(1)
			}
		})
	}
	all.Wait()
	if got := open(t, path).Keys(); added.Load() != 1 || len(got) != 2 {
		t.Errorf("%d added a key, the keyset has %d", added.Load(), len(got))
	}
}
