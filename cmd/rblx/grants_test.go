package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// Grants of a real sign-in are revoked at the provider, and the truth is told
// where it did not hear of it.
func TestGrants(t *testing.T) {
	t.Parallel()
	for _, p := range []stores.Place{{Kind: "file", URL: "grants"}, {Kind: "sqlite", URL: "grants.db"}} {
		t.Run(p.Kind, func(t *testing.T) {
			t.Parallel()
			p.URL = filepath.Join(t.TempDir(), "private", p.URL)
			s, err := p.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			emu := emulatortest.Start(t)
			config := emu.OAuth(t, s)
			app, err := oauth.New(config)
			if err != nil {
				t.Fatal(err)
			}
			id := emulatortest.SignIn(t, app, config.RedirectURL)
			lost := emulatortest.SignIn(t, app, config.RedirectURL)
			token, err := app.Grant(id).Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tell := func(good bool, args ...string) (out, log string) {
				t.Helper()
				c := exec.CommandContext(t.Context(), "rblx", append([]string{"grants", "--store", p.Kind}, args...)...)
				c.Env = append(os.Environ(), "RBLX_STORE_URL="+p.URL, "ROBLOX_ISSUER="+config.Provider.Issuer,
					"ROBLOX_CLIENT_ID="+config.ClientID, "ROBLOX_CLIENT_SECRET="+string(config.ClientSecret))
				var errOut bytes.Buffer
				c.Stderr = &errOut
				stdout, err := c.Output()
				if (err == nil) != good {
					t.Errorf("%q: %v, %s", args, err, &errOut)
				}
				all := string(stdout) + errOut.String()
				if strings.Contains(all, token.AccessToken) || strings.Contains(all, "eyJ") || strings.Contains(all, string(config.ClientSecret)) {
					t.Errorf("%q shows a secret: %s", args, all)
				}
				return string(stdout), errOut.String()
			}
			for _, args := range [][]string{{"list"}, {"list", "--json"}, {"show", string(id)}, {"show", "--json", string(id)}} {
				if out, _ := tell(true, args...); !strings.Contains(out, string(id)) || !strings.Contains(out, "active") {
					t.Errorf("%q: %s", args, out)
				}
			}

			// Refused, though nobody wished it: rearmed, it is active.
			row, err := s.Load(t.Context(), lost)
			if err != nil {
				t.Fatal(err)
			}
			row.State, row.Reason = oauth.StateNeedsReauth, oauth.ReasonRevoked
			if _, err := s.Swap(t.Context(), row.Version, row); err != nil {
				t.Fatal(err)
			}
			if out, _ := tell(true, "rearm", string(lost)); out != string(lost)+"  active\n" {
				t.Errorf("rearm: %q", out)
			}

			emu.Fault(emulator.Fault{Endpoint: emulator.EndpointRevoke, Kind: emulator.Status, Status: 503})
			out, log := tell(false, "revoke", string(id))
			if out != string(id)+"  tombstone (unreachable)\n" || strings.Count(log, "\n") != 1 || !strings.Contains(log, "503") {
				t.Errorf("revoke, unheard: %q, %q", out, log)
			}
			out, log = tell(true, "revoke", "--json", string(id))
			if !strings.Contains(out, `"state":"tombstone","reason":"confirmed"`) || log != "" {
				t.Errorf("revoke: %q, %q", out, log)
			}
			if n := len(emu.Log().To(emulator.EndpointRevoke)); n != 2 {
				t.Errorf("%d requests to revoke", n)
			}
			if out, _ := tell(true, "purge", "--older-than", "0d"); out != "dead grants deleted: 1\n" {
				t.Errorf("purge: %q", out)
			}
		})
	}
}
