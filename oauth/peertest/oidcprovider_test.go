package peertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/oauth2"
)

// startOIDCProvider runs npm's oidc-provider until the test ends, where node
// and npm are there, and returns its issuer.
func startOIDCProvider(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool) //nolint:forbidigo // a proof beside fosite's, for machines that have node
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("oidc-provider")); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("RBLX_REQUIRE") == "1" {
			t.Fatalf("npm cannot install oidc-provider: %v\n%s", err, out)
		}
		t.Skipf("npm cannot install oidc-provider: %v\n%s", err, out) //nolint:forbidigo // without a network, on a laptop
	}
	server := exec.CommandContext(t.Context(), "node", filepath.Join(dir, "server.js"))
	server.Env = append(os.Environ(), "CLIENT_ID="+clientID, "CLIENT_SECRET="+clientSecret,
		"REDIRECT_URL="+redirectURL, fmt.Sprintf("ACCESS_TTL=%.0f", accessTTL.Seconds()))
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // with which it ends
		_ = server.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("oidc-provider did not start")
	}
	return lines.Text()
}

// oidcCounts asks what came to the token endpoint.
func oidcCounts(t *testing.T, issuer string) (redeemed, replays int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/counts", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var counts struct {
		Redeemed int `json:"redeemed"`
		Replays  int `json:"replays"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&counts); err != nil {
		t.Fatal(err)
	}
	return counts.Redeemed, counts.Replays
}

// The same as TestFosite, at another server.
func TestOIDCProvider(t *testing.T) {
	t.Parallel()
	issuer := startOIDCProvider(t)
	r := soak(t, issuer)
	if redeemed, replays := oidcCounts(t, issuer); redeemed != r.Refreshes || replays != 0 {
		t.Errorf("%d refresh tokens were redeemed for %d refreshes, %d replays", redeemed, r.Refreshes, replays)
	}
}

// The same as TestFositeWithXOAuth2, at another server.
func TestOIDCProviderWithXOAuth2(t *testing.T) {
	t.Parallel()
	issuer := startOIDCProvider(t)
	loseWithXOAuth2(t, issuer+"/me", &oauth2.Config{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Scopes: []string{"openid", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: issuer + "/auth", TokenURL: issuer + "/token", AuthStyle: oauth2.AuthStyleInParams},
	})
	if _, replays := oidcCounts(t, issuer); replays == 0 {
		t.Error("no refresh token came twice: this server is not strict, and proves nothing")
	}
}
