package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
)

func TestHeadless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		if err := runHeadless(t.Context(), config{App: signin.App{RedirectURL: "https://example.com/auth/callback"}}, &out, &log); err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
		got := lastReport(t, out.String())
		want := report{
			Sub: "156", Username: "juniper_builds", Scopes: signin.Scopes(),
			Universes: []string{"8801", "8802", "8804"}, Accounts: []string{"users/156", "groups/7001"},
			Refreshes: 2, Revoked: true, Skipped: []string{},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(report{}, "ElapsedMS")); diff != "" {
			t.Error(diff)
		}
		if got.ElapsedMS <= 0 || got.ElapsedMS > 20_000 {
			t.Errorf("it took %d ms", got.ElapsedMS)
		}
	})
}

// lastReport reads the one line of JSON, with no member too many or too few.
func lastReport(t *testing.T, out string) report {
	t.Helper()
	if strings.Count(out, "\n") != 1 {
		t.Fatalf("the output is not one line:\n%s", out)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &members); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	names := []string{"sub", "username", "scopes", "universes", "accounts", "refreshes", "revoked", "skipped", "elapsed_ms"}
	for _, name := range names {
		if members[name] == nil || string(members[name]) == "null" {
			t.Errorf("%s is missing in %s", name, out)
		}
	}
	if len(members) != len(names) {
		t.Errorf("members %v, want %v", members, names)
	}
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// newTestJourney is a journey at an emulator, which change may spoil.
func newTestJourney(t *testing.T, log *bytes.Buffer, options func(*emulator.Options), change func(*backend)) (*journey, *emulator.Emulator) {
	t.Helper()
	home, err := signin.ParseCallback(testOrigin + "/callback")
	if err != nil {
		t.Fatal(err)
	}
	opts := emulator.Options{URL: "http://127.0.0.1", ClientSecret: "a secret that must not be seen", RedirectURLs: []string{home.String()}}
	if options != nil {
		options(&opts)
	}
	emu, err := emulator.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	b, err := emulated(t.Context(), emu, emu.Transport())
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(b)
	}
	j, err := newJourney(b, home, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.app.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return j, emu
}

func TestJourneyRequests(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(*emulator.Options){
		"revoke":       nil,
		"reject":       func(o *emulator.Options) { o.RefreshReuse = emulator.ReuseReject },
		"grace":        func(o *emulator.Options) { o.RefreshReuse = emulator.ReuseGrace(10 * time.Second) },
		"public":       func(o *emulator.Options) { o.ClientSecret = "" },
		"auto consent": func(o *emulator.Options) { o.AutoConsent = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				j, emu := newTestJourney(t, &log, options, nil)
				if err := j.run(t.Context()); err != nil {
					t.Fatalf("%v\n%s", err, &log)
				}
				got := emu.Log()
				// Two rotations, and the revoked and the used token at the end.
				if got.TokenPOSTs("authorization_code") != 1 || got.TokenPOSTs("refresh_token") != 4 || len(got.Reuses()) != 1 {
					t.Errorf("%d exchanges, %d refreshes, %d reuses", got.TokenPOSTs("authorization_code"), got.TokenPOSTs("refresh_token"), len(got.Reuses()))
				}
				if last := got[len(got)-1]; last.Endpoint != emulator.EndpointToken || last.Error != "invalid_grant" {
					t.Errorf("the last request was %+v", last)
				}
				if len(emu.Messages()) != 1 {
					t.Errorf("%d messages", len(emu.Messages()))
				}
			})
		})
	}
}

func TestJourneySkips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j, _ := newTestJourney(t, &log, nil, func(b *backend) {
			b.APIURL = ""
			b.Provider.ResourcesURL, b.Provider.UserInfoURL, b.Provider.RevocationURL = "", "", ""
		})
		if err := j.run(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
		var steps []string
		for _, s := range j.report.Skipped {
			step, _, _ := strings.Cut(s, ":")
			steps = append(steps, step)
		}
		if want := []string{"userinfo", "resources", "Open Cloud", "data stores", "revoke"}; !slices.Equal(steps, want) {
			t.Errorf("skipped %q, want %q", steps, want)
		}
		if j.report.Revoked || j.report.Refreshes != 2 || j.report.Username == "" {
			t.Errorf("%+v", j.report)
		}
	})
}

// A journey has to notice what does not hold.
func TestJourneyFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*journey)
		want  string
	}{
		"a revocation without effect": {func(j *journey) { j.recorder.base = faked{j.recorder.base, "/oauth/v1/token/revoke"} }, "revoke: the revoked refresh token: the issuer accepted it"},
		"a failing call":              {func(j *journey) { j.backend.APIKey = "wrong" }, "calls with the API key: opencloud: datastores.UpdateEntry"},
		"a foreign client":            {func(j *journey) { j.backend.ClientID = "other" }, "revoke: the revoked refresh token: the token endpoint answered 401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				j, _ := newTestJourney(t, &log, nil, nil)
				c.spoil(j)
				if err := j.run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
			})
		})
	}
}

// faked answers one path with an empty success.
type faked struct {
	http.RoundTripper
	path string
}

func (f faked) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != f.path {
		return f.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// No secret is in the output of a journey, held or failed.
func TestJourneyTellsNoSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j, emu := newTestJourney(t, &log, nil, nil)
		if err := j.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := j.grant.Refresh(t.Context())
		j.say("%v %+v %v", err, j.backend, j.recorder.given())
		if err := j.report.writeTo(&log); err != nil {
			t.Fatal(err)
		}
		secrets := append(j.recorder.given(), j.backend.ClientSecret, oauth.Secret(emu.APIKey()))
		if len(secrets) != 5 {
			t.Fatalf("%d secrets to look for, want 5: three refresh tokens, the client secret and the key", len(secrets))
		}
		if found := scan(log.String(), secrets); found != 0 {
			t.Errorf("%d secrets are in the output:\n%s", found, &log)
		}
		if scan(log.String()+string(secrets[0]), secrets) != 1 || !strings.Contains(log.String(), j.report.Sub) {
			t.Error("the scan finds nothing")
		}
	})
}

func scan(text string, secrets []oauth.Secret) (found int) {
	for _, s := range secrets {
		if strings.Contains(text, string(s)) {
			found++
		}
	}
	return found
}
