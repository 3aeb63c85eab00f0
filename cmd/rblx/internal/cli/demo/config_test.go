package demo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
)

func TestConfigFrom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env      map[string]string
		emulated bool
		fails    string
	}{
		"nothing":           {nil, true, ""},
		"a key alone":       {map[string]string{"ROBLOX_API_KEY": "k"}, true, ""},
		"a public client":   {map[string]string{"ROBLOX_CLIENT_ID": "1"}, false, ""},
		"a secret alone":    {map[string]string{"ROBLOX_CLIENT_SECRET": "hush"}, false, "ROBLOX_CLIENT_ID: is not set, but ROBLOX_CLIENT_SECRET is"},
		"an issuer alone":   {map[string]string{"ROBLOX_ISSUER": "https://example.com"}, false, "ROBLOX_CLIENT_ID: is not set, but ROBLOX_ISSUER is"},
		"another API alone": {map[string]string{"ROBLOX_API_URL": "https://example.com"}, false, "ROBLOX_CLIENT_ID: is not set, but ROBLOX_API_URL is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := configFrom(func(name string) string { return c.env[name] })
			switch {
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Errorf("error %v, want %q", err, c.fails)
			case c.fails == "" && (err != nil || got.emulated() != c.emulated):
				t.Errorf("emulated %v, %v", got.emulated(), err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v %v", got, got, got, err), "hush") {
				t.Error("the secret is printed")
			}
		})
	}
}

func TestHomeAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		redirectURL  string
		port         int
		origin, path string
		fails        string
	}{
		{"", 3000, "http://localhost:3000", "/callback", ""},
		{"", 8080, "http://localhost:8080", "/callback", ""},
		{"http://127.0.0.1:3000/auth/cb", 3000, "http://127.0.0.1:3000", "/auth/cb", ""},
		{"http://localhost", 80, "http://localhost", "/", ""},
		{"https://demo.example.com/callback", 3000, "https://demo.example.com", "/callback", ""},
		{"http://localhost:8080/callback", 3000, "", "", "use --port 8080, or register and set http://localhost:3000/callback"},
		{"https://localhost:3000/callback", 3000, "", "", "register http://localhost:3000/callback"},
		{"my-app:/callback", 3000, "", "", "want http or https"},
		{"::", 3000, "", "", "want http or https"},
	} {
		home, err := homeAt(c.redirectURL, c.port)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q at %d: %v, want %q", c.redirectURL, c.port, err, c.fails)
			}
		case err != nil:
			t.Errorf("%q at %d: %v", c.redirectURL, c.port, err)
		case home.Origin() != c.origin || home.Path != c.path:
			t.Errorf("%q at %d: %s and %s", c.redirectURL, c.port, home.Origin(), home.Path)
		}
	}
	if got := (config{App: signin.App{RedirectURL: "http://localhost:8080/x"}}).portOr(3000); got != 8080 {
		t.Errorf("port %d of a redirect URL to 8080", got)
	}
	if got := (config{App: signin.App{RedirectURL: "https://example.com/x"}}).portOr(3000); got != 3000 {
		t.Errorf("port %d for a redirect URL elsewhere", got)
	}
}
