package emulator_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run starts the command and returns the variables it prints.
func run(t *testing.T, args ...string) (vars map[string]string, errOut *bytes.Buffer, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	errOut = &bytes.Buffer{}
	c := emulator.Command()
	c.SetArgs(append([]string{"--addr", "127.0.0.1:0"}, args...))
	c.SetOut(out)
	c.SetErr(errOut)
	done := make(chan error, 1)
	go func() { done <- c.ExecuteContext(ctx); _ = out.Close() }()
	vars = map[string]string{}
	lines := bufio.NewScanner(in)
	for len(vars) < 6 && lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if !ok || !strings.HasPrefix(lines.Text(), "export ") {
			t.Fatalf("a line that no shell exports: %q", lines.Text())
		}
		vars[name] = value
	}
	return vars, errOut, func() error {
		cancel()
		_, _ = io.Copy(io.Discard, in)
		return <-done
	}
}

func get(t *testing.T, url string, header ...string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) == 2 {
		req.Header.Set(header[0], header[1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

func TestServes(t *testing.T) {
	t.Parallel()
	vars, errOut, stop := run(t, "--redirect-url", "http://localhost:3000/cb", "--redirect-url", "https://example.com/cb")
	status, discovery := get(t, vars["ROBLOX_ISSUER"]+".well-known/openid-configuration")
	if status != 200 || discovery["issuer"] != vars["ROBLOX_ISSUER"] || discovery["token_endpoint"] != vars["ROBLOX_API_URL"]+"/oauth/v1/token" {
		t.Errorf("discovery: %d %v", status, discovery)
	}
	if vars["ROBLOX_REDIRECT_URL"] != "http://localhost:3000/cb" || vars["ROBLOX_CLIENT_ID"] == "" || len(vars["ROBLOX_CLIENT_SECRET"]) < 20 {
		t.Errorf("variables %v", vars)
	}
	if status, user := get(t, vars["ROBLOX_API_URL"]+"/cloud/v2/users/156", "X-Api-Key", vars["ROBLOX_API_KEY"]); status != 200 || user["id"] != "156" {
		t.Errorf("user: %d %v", status, user)
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, secret := range []string{"ROBLOX_CLIENT_SECRET", "ROBLOX_API_KEY"} {
		if strings.Contains(errOut.String(), vars[secret]) {
			t.Errorf("stderr holds %s", secret)
		}
	}
	if !strings.Contains(errOut.String(), "Stopped.") || !strings.Contains(errOut.String(), vars["ROBLOX_API_URL"]) {
		t.Errorf("stderr %q", errOut.String())
	}
}

// It listens within a second of a machine that has one to spare: a busy one is
// given more tries.
func TestListensSoon(t *testing.T) {
	t.Parallel()
	for try := 1; ; try++ {
		began := time.Now()
		_, _, stop := run(t)
		took := time.Since(began)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if took <= time.Second {
			return
		}
		if try == 20 {
			t.Fatalf("it took %v to listen", took)
		}
	}
}

func TestFlagsReachTheEmulator(t *testing.T) {
	t.Parallel()
	vars, _, stop := run(t, "--client-id", "42", "--client-secret", "it's $ecret", "--api-key", "k", "--issuer", "https://apis.roblox.com/oauth/")
	for name, want := range map[string]string{
		"ROBLOX_CLIENT_ID": "42", "ROBLOX_CLIENT_SECRET": `'it'\''s $ecret'`, "ROBLOX_API_KEY": "k", "ROBLOX_ISSUER": "https://apis.roblox.com/oauth/",
	} {
		if vars[name] != want {
			t.Errorf("%s = %s, want %s", name, vars[name], want)
		}
	}
	if _, discovery := get(t, vars["ROBLOX_API_URL"]+"/oauth/.well-known/openid-configuration"); discovery["issuer"] != "https://apis.roblox.com/oauth/" {
		t.Errorf("discovery %v", discovery)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Where the variables cannot be written nobody would find the emulator.
func TestUnwritableVariables(t *testing.T) {
	t.Parallel()
	out, in := io.Pipe()
	full := errors.New("no space left on device")
	_ = out.CloseWithError(full)
	c := emulator.Command()
	c.SetArgs([]string{"--addr", "127.0.0.1:0"})
	c.SetOut(in)
	c.SetErr(io.Discard)
	c.SilenceErrors, c.SilenceUsage = true, true
	if err := c.ExecuteContext(t.Context()); !errors.Is(err, full) {
		t.Errorf("it ended with %v", err)
	}
}

func TestPublicClient(t *testing.T) {
	t.Parallel()
	vars, _, stop := run(t, "--client-secret", "")
	if vars["ROBLOX_CLIENT_SECRET"] != "''" {
		t.Errorf("ROBLOX_CLIENT_SECRET = %s, want an empty word", vars["ROBLOX_CLIENT_SECRET"])
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
