package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Ctrl-C at a question is a no, and ends the command though nobody answers.
func TestPurgeStopsOnASignalAtItsQuestion(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // kills what does not stop
	defer cancel()
	grants := filepath.Join(t.TempDir(), "grants")
	if out, err := exec.CommandContext(ctx, "seedgrants", "file", grants).CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	c := exec.CommandContext(ctx, "rblx", "grants", "purge", "--store-url", grants)
	c.Stdin = terminal(t)
	errOut, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	question := make([]byte, len("dead grants to delete: 2. Go on? [y/N] "))
	if _, err := io.ReadFull(errOut, question); err != nil || !strings.HasSuffix(string(question), " [y/N] ") {
		t.Fatalf("%v, %q", err, question)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(errOut)
	if err != nil || string(rest) != "\nrblx: nothing was deleted\n" {
		t.Errorf("%v, %q", err, rest)
	}
	if _ = c.Wait(); c.ProcessState.ExitCode() != 1 || out.Len() > 0 {
		t.Errorf("%v, %q", c.ProcessState, &out)
	}
	list, err := exec.CommandContext(ctx, "rblx", "grants", "list", "--store-url", grants).Output()
	if n := bytes.Count(list, []byte("\n")); err != nil || n != 6 {
		t.Errorf("%d lines, %v", n, err)
	}
}

// terminal is one at which nobody types.
func terminal(t *testing.T) *os.File {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	person := open("/dev/ptmx")
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return open(fmt.Sprintf("/dev/pts/%d", n))
}
