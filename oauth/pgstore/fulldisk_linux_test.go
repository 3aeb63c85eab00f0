package pgstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/internal/testenv"
	"github.com/rblx-go/opencloud/oauth"
)

// On a full disk nothing is written, nothing lost, and all goes on when it has
// space again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=192m,mode=0755"); err != nil {
		testenv.Skip(t, "needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	for parent := dir; parent != os.TempDir() && parent != "/"; parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil { // the server's user passes
			t.Fatal(err)
		}
	}
	server := pgtest.StartIn(t, dir, "max_wal_size=64MB")
	s := openTest(t, server.DSN)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	filler := filepath.Join(dir, "filler")
	fillDisk(t, filler)

	var err error
	for n := 0; err == nil && n < 1000; n++ { // what pages have room for still fits
		_, err = s.Swap(t.Context(), "", sample(oauth.NewGrantID(), 1))
	}
	if !errors.Is(err, oauth.ErrNotWritten) || !strings.Contains(err.Error(), "free space on the server's disk") {
		t.Errorf("Swap: %v", err)
	}
	if _, err := Open(t.Context(), server.DSN, Options{}); err == nil || !strings.Contains(err.Error(), "free space on the server's disk") {
		t.Errorf("Open: %v", err)
	}
	if got := mustLoad(t, s, row.GrantID); got.Version != row.Version {
		t.Error("a row is lost")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	mustSwap(t, openTest(t, server.DSN), row.Version, row)
}

func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
