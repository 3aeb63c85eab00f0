package peertest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// report is the last line of rblx soak.
type report struct {
	Calls        int `json:"calls"`
	CallErrors   int `json:"call_errors"`
	Refreshes    int `json:"refreshes"`
	InvalidGrant int `json:"invalid_grant"`
	Probes       int `json:"probes"`
	Lost         int `json:"lost"`
	SilentlyLost int `json:"silently_lost"`
}

// soak runs rblx soak at an issuer over a store: two processes of 200
// goroutines on one grant.
func soak(t *testing.T, issuer string, store ...string) report {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rblx")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join("..", ".."), "-o", name, "./cmd/rblx")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return run(t.Context(), t, name, append([]string{"--issuer", issuer}, store...))
}

func run(ctx context.Context, t *testing.T, name string, args []string) report {
	t.Helper()
	cmd := exec.CommandContext(ctx, name, append([]string{"soak", "--redirect-url", redirectURL,
		"--processes", "2", "--goroutines", "200", "--for", "10s"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+inMemory(), "ROBLOX_CLIENT_ID="+clientID, "ROBLOX_CLIENT_SECRET="+clientSecret)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &log, out)
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	t.Logf("%s", out)
	if r.Refreshes < 3 || r.Calls < 1000 || r.CallErrors+r.InvalidGrant+r.Probes+r.Lost+r.SilentlyLost != 0 {
		t.Errorf("%+v\n%s", r, &log)
	}
	return r
}

// inMemory is a directory for stores whose windows are half a second: a disk may
// take longer than that to flush.
func inMemory() string {
	const shared = "/dev/shm"
	if _, err := os.Stat(shared); err != nil {
		return os.TempDir()
	}
	return shared
}
