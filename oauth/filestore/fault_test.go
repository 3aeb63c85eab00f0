package filestore

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// fail makes one step of writes fail.
func (s *Store) fail(step string, err error) {
	s.hook = func(at string) error {
		if at == step {
			return &fs.PathError{Op: "test", Path: "file", Err: err}
		}
		return nil
	}
}

func TestFailedWrites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		step   string
		err    error
		want   error
		stored bool
	}{
		{"reserve", syscall.ENOSPC, oauth.ErrNotWritten, false},
		{"write", syscall.ENOSPC, oauth.ErrNotWritten, false},
		{"write", syscall.EACCES, oauth.ErrNotWritten, false},
		{"write", syscall.EROFS, oauth.ErrNotWritten, false},
		{"rename", syscall.EIO, oauth.ErrUnknown, false},
		{"flush", syscall.EIO, oauth.ErrUnknown, true},
	} {
		t.Run(tt.step+" "+tt.err.Error(), func(t *testing.T) {
			t.Parallel()
			s := openTest(t, newDir(t))
			old := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			next := withIntent(sample(old.GrantID, 2))

			s.fail(tt.step, tt.err)
			_, err := s.Swap(t.Context(), old.Version, next)
			if !errors.Is(err, tt.want) || !errors.Is(err, tt.err) || !strings.Contains(err.Error(), s.dir) {
				t.Errorf("Swap: %v; want %v, and the directory named", err, tt.want)
			}
			for _, other := range []error{oauth.ErrNotWritten, oauth.ErrUnknown, oauth.ErrConflict} {
				if other != tt.want && errors.Is(err, other) { //nolint:errorlint // comparing sentinels
					t.Errorf("Swap: %v also wraps %v", err, other)
				}
			}
			got := mustLoad(t, s, old.GrantID)
			if stored := got.Version != old.Version; stored != tt.stored {
				t.Errorf("stored: %v, want %v", stored, tt.stored)
			}

			s.hook = nil
			got = mustSwap(t, s, got.Version, next)
			if got := mustSwap(t, s, got.Version, sample(old.GrantID, 3)); got.Generation != 3 {
				t.Errorf("after the fault: generation %d", got.Generation)
			}
		})
	}
}

// What stands between an intent and its commit needs no new space: neither
// reserving nor a new file.
func TestCommitUsesReservedSpace(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	for generation := range uint64(5) {
		row = mustSwap(t, s, row.Version, withIntent(row))
		row = mustSwap(t, s, row.Version, withIntent(row)) // a probe keeps what is reserved
		if n := len(files(t, s.dir)); n != 3 {             // identity, row, spare
			t.Errorf("%d files while an intent stands, want 3", n)
		}
		s.fail("reserve", syscall.ENOSPC)
		row = mustSwap(t, s, row.Version, sample(row.GrantID, generation))
		s.hook = nil
		if n := len(files(t, s.dir)); n != 2 {
			t.Errorf("%d files after the commit, want 2", n)
		}
	}
	if err := s.Delete(t.Context(), row.GrantID, row.Version); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, s.dir)); n != 1 {
		t.Errorf("%d files after the deletion, want 1", n)
	}
}

// A failed commit keeps the space for the next attempt.
func TestFailedCommitKeepsReservedSpace(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	row := mustSwap(t, s, "", withIntent(sample(oauth.NewGrantID(), 1)))
	for _, step := range []string{"write", "rename"} {
		s.fail(step, syscall.EIO)
		if _, err := s.Swap(t.Context(), row.Version, sample(row.GrantID, 2)); err == nil {
			t.Errorf("a failing %s went unnoticed", step)
		}
		if n := len(files(t, s.dir)); n != 3 {
			t.Errorf("%d files after a failed %s, want 3", n, step)
		}
	}
	s.hook = nil
	mustSwap(t, s, row.Version, sample(row.GrantID, 2))
}

func TestWaitingForALockEnds(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	a, b := openTest(t, dir), openTest(t, dir)
	row := mustSwap(t, a, "", sample(oauth.NewGrantID(), 1))
	held := a.rows[shard(string(row.GrantID))]
	release, err := held.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Store{"this process": a, "another": b} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := s.Swap(ctx, row.Version, row)
		cancel()
		if !errors.Is(err, oauth.ErrNotWritten) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s holds the lock: %v", name, err)
		}
		if mustLoad(t, s, row.GrantID).Version != row.Version {
			t.Error("reading waited for the lock, or the row changed")
		}
	}
	release()
	row = mustSwap(t, b, row.Version, row)
	mustSwap(t, a, row.Version, row)
}

func TestRemovedLockFileIsReplaced(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	a, b := openTest(t, dir), openTest(t, dir)
	mustSwap(t, a, "", sample("a"+oauth.NewGrantID()[1:], 1))
	if err := a.root.Remove("rows/a/lock"); err != nil {
		t.Fatal(err)
	}
	release, err := a.rows[0].Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.rows[0].Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two handles hold one lock (%v)", err)
	}
}
