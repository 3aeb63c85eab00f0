package sqlitestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rblx-go/opencloud/internal/testenv"
	"github.com/rblx-go/opencloud/oauth"
)

// withMounts runs a task in a process that sees mounts of its own.
func withMounts(t *testing.T, task string) {
	t.Helper()
	cmd := process(t, task, newPath(t), t.TempDir(), t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		id := func(host int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: host, Size: 1}} }
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = id(os.Getuid()), id(os.Getgid())
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case bytes.Contains(out, []byte(errNoMounts.Error())), err != nil && !errors.As(err, &exit):
		testenv.Skip(t, "needs the right to mount (root, or user namespaces): %v %s", err, out)
	case err != nil:
		t.Fatalf("%v: %s", err, out)
	}
}

var errNoMounts = errors.New("cannot mount")

// mount puts a file system of its own for this process at target.
func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("%w: %w", errNoMounts, err)
	}
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("%w: %w", errNoMounts, err)
	}
	return nil
}

func systemTasks() map[string]func(*Store, []string) error {
	return map[string]func(*Store, []string) error{"full disk": fullDisk, "read-only disk": readOnlyDisk}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	withMounts(t, "full disk")
}

// fullDisk fills the disk while refreshes are under way: their commits find
// room, and nothing else is begun that would take it from them.
func fullDisk(_ *Store, args []string) error {
	if err := mount("tmpfs", args[0], "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		return err
	}
	s, err := Open(filepath.Join(args[0], "grants.db"))
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	idle, err := s.Swap(ctx, "", sample(oauth.NewGrantID(), 1))
	if err != nil {
		return err
	}
	var flying []oauth.Row
	for range 60 {
		row, err := s.Swap(ctx, "", sample(oauth.NewGrantID(), 1))
		if err == nil {
			row, err = s.Swap(ctx, row.Version, withIntent(row))
		}
		if err != nil {
			return err
		}
		flying = append(flying, row)
	}
	filler := filepath.Join(args[0], "filler")
	if err := fillDisk(filler); err != nil {
		return err
	}
	if err := wantFull(s, idle); err != nil {
		return err
	}
	for i, row := range flying {
		next := sample(row.GrantID, 2)
		next.Sealed = append(next.Sealed, make([]byte, 8192)...) // tokens may grow
		if flying[i], err = s.Swap(ctx, row.Version, next); err != nil {
			return fmt.Errorf("commit %d on a disk that filled up after its intent: %w", i, err)
		}
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	// Neither this process nor one that recovers the log sees anything else.
	recovered, err := openCopy(s.path, args[1])
	if err != nil {
		return err
	}
	defer recovered.Close()
	for _, want := range append(flying, idle) {
		for _, s := range []*Store{s, recovered} {
			if got, err := s.Load(ctx, want.GrantID); err != nil || got.Version != want.Version || !bytes.Equal(got.Sealed, want.Sealed) {
				return fmt.Errorf("generation %d is stored, want %d (%w)", got.Generation, want.Generation, err)
			}
		}
	}
	_, err = s.Swap(ctx, idle.Version, withIntent(idle))
	return err
}

// wantFull makes every kind of write that is no commit, all of which must fail
// for lack of space.
func wantFull(s *Store, row oauth.Row) error {
	ctx := context.Background()
	for what, write := range map[string]func() error{
		"Swap": func() error {
			_, err := s.Swap(ctx, row.Version, sample(row.GrantID, 2))
			return err
		},
		"an intent": func() error {
			_, err := s.Swap(ctx, row.Version, withIntent(row))
			return err
		},
		"a new grant": func() error {
			_, err := s.Swap(ctx, "", sample(oauth.NewGrantID(), 1))
			return err
		},
		"PutFlow": func() error { return s.PutFlow(ctx, oauth.Flow{ID: "flow"}) },
		"ClaimDue": func() error {
			_, err := s.ClaimDue(ctx, 1, time.Hour)
			return err
		},
	} {
		for range 3 {
			err := write()
			if !errors.Is(err, oauth.ErrNotWritten) || !strings.Contains(err.Error(), s.path) || !strings.Contains(err.Error(), "free space") {
				return fmt.Errorf("unexpected answer of a full disk to %s: %w", what, err)
			}
		}
	}
	return nil
}

// openCopy opens what a crash would leave of the database at path.
func openCopy(path, dir string) (*Store, error) {
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	to := filepath.Join(dir, filepath.Base(path))
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
			return nil, err
		}
	}
	return Open(to)
}

// fillDisk writes until nothing more fits.
func fillDisk(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 512)); errors.Is(err, unix.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	withMounts(t, "read-only disk")
}

// readOnlyDisk makes the disk read-only beneath an open store.
func readOnlyDisk(_ *Store, args []string) error {
	ctx, at := context.Background(), args[0]
	if err := mount("tmpfs", at, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		return err
	}
	path := filepath.Join(at, "grants.db")
	s, err := Open(path)
	if err != nil {
		return err
	}
	row, err := s.Swap(ctx, "", sample(oauth.NewGrantID(), 1))
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil { // a file system with files open for writing stays writable
		return err
	}
	if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return err
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "writable") {
		return fmt.Errorf("unexpected answer to Open: %w", err)
	}
	if err := unix.Mount("", at, "", unix.MS_REMOUNT, ""); err != nil {
		return err
	}
	if s, err = Open(path); err != nil {
		return err
	}
	defer s.Close()
	if got, err := s.Load(ctx, row.GrantID); err != nil || got.Version != row.Version {
		return fmt.Errorf("after it was read-only: %w", err)
	}
	return nil
}
