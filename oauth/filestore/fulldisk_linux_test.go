package filestore

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

	"golang.org/x/sys/unix"

	"github.com/rblx-go/opencloud/internal/testenv"
	"github.com/rblx-go/opencloud/oauth"
)

// withMounts runs a task in a process that sees mounts of its own. Where the
// kernel lets nobody mount, TestFailedWrites stands alone.
func withMounts(t *testing.T, task string) {
	t.Helper()
	cmd := process(t, task, newDir(t), t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		id := func(host int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: host, Size: 1}} }
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = id(os.Getuid()), id(os.Getgid())
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case bytes.Contains(out, []byte(errNoMounts.Error())), err != nil && !errors.As(err, &exit):
		testenv.Skip(t, "needs the right to mount (root, or user namespaces): %v %s", err, out)
	case err != nil:
		t.Fatalf("%v: %s", err, out)
	}
}

var errNoMounts = errors.New("cannot mount")

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("%w: %w", errNoMounts, err)
	}
	return nil
}

// isolate keeps the mounts of this process to itself.
func isolate() error { return mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }

func systemTasks() map[string]func(*Store, []string) error {
	return map[string]func(*Store, []string) error{"full disk": fullDisk, "read-only directory": readOnlyDirectory}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	withMounts(t, "full disk")
}

// fullDisk fills the disk before an intent, and between an intent and its
// commit.
func fullDisk(_ *Store, args []string) error {
	dir := args[0]
	if err := errors.Join(isolate(), mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=0700")); err != nil {
		return err
	}
	s, err := Open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	row, err := s.Swap(ctx, "", sample(oauth.NewGrantID(), 1))
	if err != nil {
		return err
	}
	filler := filepath.Join(dir, "filler")

	if err := fillDisk(filler); err != nil {
		return err
	}
	if err := wantFull(s, row, withIntent(row)); err != nil {
		return fmt.Errorf("an intent on a full disk: %w", err)
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	if row, err = s.Swap(ctx, row.Version, withIntent(row)); err != nil {
		return fmt.Errorf("an intent with space again: %w", err)
	}

	if err := fillDisk(filler); err != nil {
		return err
	}
	next := sample(row.GrantID, 2)
	next.Sealed = append(next.Sealed, make([]byte, 4096)...) // tokens may grow
	if row, err = s.Swap(ctx, row.Version, next); err != nil {
		return fmt.Errorf("a commit on a disk that filled up after its intent: %w", err)
	}
	if got, err := s.Load(ctx, row.GrantID); err != nil || got.Version != row.Version || !bytes.Equal(got.Sealed, next.Sealed) {
		return fmt.Errorf("the commit cannot be read: %w", err)
	}

	// The control: without an intent, and the row's old space just given back...
	if err := fillDisk(filler + "2"); err != nil {
		return err
	}
	if err := wantFull(s, row, sample(row.GrantID, 3)); err != nil {
		return fmt.Errorf("a write without reserved space: %w", err)
	}
	return nil
}

// fillDisk writes until nothing more fits.
func fillDisk(path string) error {
	f, err := os.Create(path)
	if err != nil && !errors.Is(err, unix.ENOSPC) {
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

// wantFull makes a swap that must fail for lack of space and change nothing.
func wantFull(s *Store, row, next oauth.Row) error {
	_, err := s.Swap(context.Background(), row.Version, next)
	if !errors.Is(err, oauth.ErrNotWritten) || !errors.Is(err, unix.ENOSPC) ||
		!strings.Contains(err.Error(), s.dir) || !strings.Contains(err.Error(), "free space") {
		return fmt.Errorf("unexpected answer: %w", err)
	}
	got, err := s.Load(context.Background(), row.GrantID)
	if err == nil && got.Version != row.Version {
		err = errors.New("the row changed")
	}
	return err
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	withMounts(t, "read-only directory")
}

// readOnlyDirectory reads from a file system that cannot be written to.
func readOnlyDirectory(writable *Store, args []string) error {
	ctx, at := context.Background(), args[0]
	row, err := writable.Swap(ctx, "", sample(oauth.NewGrantID(), 1))
	if err != nil {
		return err
	}
	if err := errors.Join(isolate(), mount(writable.dir, at, "", unix.MS_BIND, ""),
		mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
		return err
	}
	s, err := Open(at)
	if err != nil {
		return fmt.Errorf("a read-only directory cannot be opened: %w", err)
	}
	defer s.Close()
	if row, err = s.Load(ctx, row.GrantID); err != nil {
		return fmt.Errorf("a read-only directory cannot be read: %w", err)
	}
	_, err = s.Swap(ctx, row.Version, withIntent(row))
	if !errors.Is(err, oauth.ErrNotWritten) || !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), at) {
		return fmt.Errorf("unexpected answer to a swap: %w", err)
	}
	_, err = s.ClaimDue(ctx, 1, 1)
	if !errors.Is(err, oauth.ErrNotWritten) {
		return fmt.Errorf("unexpected answer to a claim: %w", err)
	}
	return nil
}
