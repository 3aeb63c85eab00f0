package flock

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

const name = "flights/a"

func mustTry(t *testing.T, root *os.Root) (release func()) {
	t.Helper()
	release, err := Try(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestTry(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for range 3 {
		release := mustTry(t, root)
		if _, err := Try(root, name); !errors.Is(err, ErrHeld) {
			t.Errorf("a second lock: %v", err)
		}
		other, err := Try(root, "flights/b")
		if err != nil {
			t.Fatal(err)
		}
		other()
		release()
		if entries, err := fs.ReadDir(root.FS(), "flights"); err != nil || len(entries) != 0 {
			t.Errorf("%v are left (%v)", entries, err)
		}
	}
}

func TestTryFails(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	if err := root.WriteFile("flights", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Try(root, name); err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("where a file stands for the directory: %v", err)
	}
}

// A holder removes its file alone: one that somebody else put in its place is
// another's lock.
func TestReleaseLeavesASuccessor(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	first := mustTry(t, root)
	if err := root.Remove(name); err != nil {
		t.Fatal(err)
	}
	second := mustTry(t, root)
	first()
	if _, err := Try(root, name); !errors.Is(err, ErrHeld) {
		t.Errorf("the second lock ended with the first: %v", err)
	}
	second()
}

// enter takes and releases the lock n times, and does what only one may do at
// a time while it has it.
func enter(root *os.Root, name string, n int) error {
	for n > 0 {
		release, err := Try(root, name)
		if errors.Is(err, ErrHeld) {
			runtime.Gosched()
			continue
		}
		if err != nil {
			return err
		}
		f, err := root.OpenFile("inside", os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			err = errors.Join(f.Close(), root.Remove("inside"))
		}
		release()
		if err != nil {
			return fmt.Errorf("two had the lock: %w", err)
		}
		n--
	}
	return nil
}

// Files come and go all the time, and still only one has the lock at a time.
func TestOneHolder(t *testing.T) {
	t.Parallel()
	const processes, goroutines, each = 2, 2, 100
	root := newRoot(t)
	var running []*exec.Cmd
	for range processes {
		cmd := process(t, "enter", root.Name(), name, strconv.Itoa(each))
		cmd.Stdout = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			if err := enter(root, name, each); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stdout)
		}
	}
}

func TestLockEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for range 5 {
		cmd := process(t, "hold", root.Name(), name)
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
		if _, err := Try(root, name); !errors.Is(err, ErrHeld) {
			t.Errorf("while another process holds it: %v", err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it says that it was killed
		mustTry(t, root)()
	}
}

// A child inherits open files between fork and exec: a lock that is released
// meanwhile is free at once all the same.
func TestTryWhileProcessesStart(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	started := make(chan struct{})
	t.Cleanup(func() { <-started })
	go func() {
		defer close(started)
		for range 40 {
			cmd := process(t, "hold", root.Name(), "flights/b")
			if err := cmd.Start(); err != nil {
				t.Error(err)
				return
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it says that it was killed
		}
	}()
	for {
		select {
		case <-started:
			return
		default:
			mustTry(t, root)()
		}
	}
}
