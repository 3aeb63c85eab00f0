package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/testenv"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
)

// The command finds its own binary for its processes, and the environment
// reaches them.
func TestSoak(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL = 2 * time.Second })
	o := emu.Emulator.Options()
	c := exec.CommandContext(t.Context(), "rblx", "soak", "--issuer", o.Issuer, "--for", "2s", "--goroutines", "5")
	c.Env = append(os.Environ(), "TMPDIR="+testenv.InMemory(),
		"ROBLOX_CLIENT_ID="+o.ClientID, "ROBLOX_CLIENT_SECRET="+string(o.ClientSecret), "ROBLOX_REDIRECT_URL="+o.RedirectURLs[0])
	var log bytes.Buffer
	c.Stderr = &log
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	want := regexp.MustCompile(`^\{"store":"file","processes":2,"calls":\d+,"call_errors":0,"refreshes":[1-9],` +
		`"invalid_grant":0,"adopted":\d+,"probes":0,"lost":0,"silently_lost":0\}\n$`)
	if !want.Match(out) {
		t.Errorf("%s", out)
	}
}
