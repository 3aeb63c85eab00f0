package filestore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

func TestFlightLock(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	a, b := openTest(t, dir), openTest(t, dir)
	row := mustSwap(t, a, "", sample(oauth.NewGrantID(), 1))
	other := mustSwap(t, a, "", sample(row.GrantID[:1]+oauth.NewGrantID()[1:], 1)) // of the same shard
	for range 3 {
		release := mustLockFlight(t, a, row.GrantID)
		for _, s := range []*Store{a, b} {
			if _, err := s.LockFlight(t.Context(), row.GrantID); !errors.Is(err, oauth.ErrFlightLocked) {
				t.Errorf("a second lock: %v", err)
			}
		}
		mustLockFlight(t, b, other.GrantID)()
		row = mustSwap(t, b, row.Version, withIntent(row)) // it is in no writer's way
		release()
		mustLockFlight(t, b, row.GrantID)()
	}
	release := mustLockFlight(t, a, row.GrantID)
	if err := b.Delete(t.Context(), row.GrantID, row.Version); err != nil {
		t.Error(err)
	}
	mustLockFlight(t, b, row.GrantID)() // of a grant of that name to come
	release()
}

func mustLockFlight(t *testing.T, s *Store, id oauth.GrantID) (release func()) {
	t.Helper()
	release, err := s.LockFlight(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// holdFlight holds the lock until the process is killed.
func holdFlight(s *Store, id oauth.GrantID) error {
	if _, err := s.LockFlight(context.Background(), id); err != nil {
		return err
	}
	fmt.Println("held")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestFlightLockEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	for range 5 {
		cmd := process(t, "hold flight", s.dir, string(row.GrantID))
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if said, err := bufio.NewReader(out).ReadString('\n'); said != "held\n" {
			t.Fatalf("the process said %q (%v)", said, err)
		}
		if _, err := s.LockFlight(t.Context(), row.GrantID); !errors.Is(err, oauth.ErrFlightLocked) {
			t.Errorf("while another process holds it: %v", err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it says that it was killed
		mustLockFlight(t, s, row.GrantID)()
	}
}

// A child inherits open files between fork and exec: a lock that is released
// meanwhile is free at once all the same.
func TestFlightLockWhileProcessesStart(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, id := openTest(t, newDir(t)), oauth.NewGrantID()
	started := make(chan struct{})
	t.Cleanup(func() { <-started })
	go func() {
		defer close(started)
		for range 40 {
			if err := exec.CommandContext(t.Context(), self, "-test.run=^$").Run(); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		select {
		case <-started:
			return
		default:
			mustLockFlight(t, s, id)()
		}
	}
}
