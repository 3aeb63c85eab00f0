//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A signal ends the emulator cleanly, with what it said so far complete.
func TestEmulatorStopsOnASignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), "rblx", "emulator", "--addr", "127.0.0.1:0")
			var errOut bytes.Buffer
			c.Stderr = &errOut
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			last := ""
			for !strings.HasPrefix(last, "export ROBLOX_API_KEY=") && lines.Scan() {
				last = lines.Text()
			}
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(); err != nil || !strings.HasSuffix(errOut.String(), "Stopped.\n") {
				t.Errorf("it ended with %v and %q", err, errOut.String())
			}
		})
	}
}
