package soak

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// syncBuffer is written to by several processes' pipes at once.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// soaked runs a soak at an emulator and returns its report.
func soaked(t *testing.T, emu *emulatortest.Emulator, change func(*options)) (report, string, error) {
	t.Helper()
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	e := emu.Emulator.Options()
	o := options{
		app:       signin.App{ClientID: e.ClientID, ClientSecret: oauth.Secret(e.ClientSecret), RedirectURL: e.RedirectURLs[0], Issuer: e.Issuer},
		processes: 2, goroutines: 20, period: 4 * time.Second, store: stores.Place{Kind: "file"},
	}
	if change != nil {
		change(&o)
	}
	var out, log syncBuffer
	err := run(t.Context(), o, &out, &log)
	var r report
	if text := out.String(); text != "" {
		if strings.Count(text, "\n") != 1 || json.Unmarshal([]byte(text), &r) != nil {
			t.Fatalf("the output is not one line of JSON:\n%s", text)
		}
	}
	return r, out.String() + log.String(), err
}

// place is an empty store of that kind.
func place(t *testing.T, kind string) stores.Place {
	t.Helper()
	p := stores.Place{Kind: kind}
	if kind == "postgres" {
		p.URL = pgtest.DSN(t)
	}
	return p
}

func ttl(d time.Duration) func(*emulator.Options) {
	return func(o *emulator.Options) { o.AccessTTL = d }
}

func TestSoak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		store   string
		life    time.Duration
		options func(*emulator.Options)
	}{
		"tokens that rotate by themselves": {"file", 3 * time.Second, func(*emulator.Options) {}},
		"tokens that live too long":        {"file", 15 * time.Minute, func(*emulator.Options) {}},
		"a database":                       {"sqlite", 3 * time.Second, func(*emulator.Options) {}},
		"a database server":                {"postgres", 3 * time.Second, func(*emulator.Options) {}},
		"no consent page":                  {"file", 3 * time.Second, func(o *emulator.Options) { o.AutoConsent = true }},
		"public client":                    {"file", 3 * time.Second, func(o *emulator.Options) { o.ClientSecret = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, ttl(c.life), c.options)
			r, text, err := soaked(t, emu, func(o *options) { o.store = place(t, c.store) })
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if r.Store != c.store || r.Processes != 2 || r.Calls < 100 || r.Refreshes < 2 {
				t.Errorf("%+v", r)
			}
			if r.CallErrors+r.InvalidGrant+r.Probes+r.Lost+r.SilentlyLost != 0 {
				t.Errorf("%+v\n%s", r, text)
			}
			log := emu.Log()
			if got := log.TokenPOSTs("refresh_token"); got != r.Refreshes || len(log.Replays()) != 0 {
				t.Errorf("%d refreshes reported, %d requests, replays %v", r.Refreshes, got, log.Replays())
			}
			if calls := len(log.To(emulator.EndpointUserInfo)); calls < r.Calls {
				t.Errorf("%d calls reported, %d arrived", r.Calls, calls)
			}
			if len(log.To(emulator.EndpointRevoke)) != 1 {
				t.Error("the grant was not revoked at the end")
			}
		})
	}
}

// Processes that die at random moments: whatever becomes of the grant, the
// record knows of it.
func TestSoakKills(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"file", "sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, ttl(3*time.Second))
			r, text, err := soaked(t, emu, func(o *options) { o.kill, o.store = true, place(t, kind) })
			if err != nil || r.SilentlyLost != 0 || r.Calls == 0 {
				t.Fatalf("%v %+v\n%s", err, r, text)
			}
			if !strings.Contains(text, "processes killed") || strings.Contains(text, " 0 processes killed\nthe grant") {
				t.Errorf("nobody was killed:\n%s", text)
			}
		})
	}
}

// What a soak is for: it must tell of a loss, and of one that has no true
// record.
func TestSoakTellsOfALoss(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		life   time.Duration
		fault  emulator.Fault
		lost   int
		silent int
		err    string
	}{
		// The answer to a rotation is lost: the probe is refused, and we say why.
		"in flight": {3 * time.Second, emulator.Fault{After: true, Kind: emulator.Drop}, 1, 0, "the grant was lost, though no process was killed"},
		// The provider refuses a good token out of the blue.
		"by the provider": {3 * time.Second, emulator.Fault{Kind: emulator.Status, Status: 400, Body: `{"error":"invalid_grant"}`}, 1, 1, "the record does not say"},
		// The access token lives on, and with it the doubt.
		"perhaps": {15 * time.Minute, emulator.Fault{After: true, Kind: emulator.Drop}, 0, 0, "a refresh was not answered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, ttl(c.life))
			c.fault.Endpoint, c.fault.GrantType = emulator.EndpointToken, "refresh_token"
			emu.Fault(c.fault)
			r, text, err := soaked(t, emu, nil)
			if err == nil || !strings.Contains(err.Error(), c.err) || r.Lost != c.lost || r.SilentlyLost != c.silent || r.InvalidGrant != c.lost {
				t.Errorf("%v %+v\n%s", err, r, text)
			}
		})
	}
}

func TestSoakTellsNoSecret(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, ttl(3*time.Second))
	emu.Fault(emulator.Fault{Endpoint: emulator.EndpointUserInfo, Kind: emulator.Drop, Times: 3})
	r, text, err := soaked(t, emu, func(o *options) { o.period = 6 * time.Second }) // in which the processes begin for sure
	if r.CallErrors == 0 || !strings.Contains(text, "a call failed: ") {
		t.Errorf("no call failed: %v %+v", err, r)
	}
	if found := secretsIn(text); found != nil {
		t.Errorf("secrets %q in the output", found)
	}
	if secretsIn("Bearer "+emulatortest.DefaultClientSecret) == nil {
		t.Error("the scan finds nothing")
	}
}

// secretsIn finds the client secret and what looks like a token.
func secretsIn(text string) []string {
	var found []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\":;,=&?", r) }) {
		if word == emulatortest.DefaultClientSecret || strings.HasPrefix(word, "ey") || len(word) > 60 {
			found = append(found, word)
		}
	}
	return found
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := func() options {
		return options{app: signin.App{ClientID: "1", RedirectURL: "http://localhost/"}, processes: 1, goroutines: 1, period: time.Second, store: stores.Place{Kind: "file"}}
	}
	for want, change := range map[string]func(*options){
		"":                      func(*options) {},
		"ROBLOX_CLIENT_ID: ":    func(o *options) { o.app.ClientID = "" },
		"--redirect-url: ":      func(o *options) { o.app.RedirectURL = "" },
		"--processes 0: ":       func(o *options) { o.processes = 0 },
		"--goroutines -1: ":     func(o *options) { o.goroutines = -1 },
		"--for 1ms: ":           func(o *options) { o.period = time.Millisecond },
		`--store "floppy": `:    func(o *options) { o.store.Kind = "floppy" },
		"--store-url: it is no": func(o *options) { o.store.URL = "http://example.com/" },
	} {
		o := good()
		change(&o)
		if err := o.check(); want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		report report
		kill   bool
		good   bool
	}{
		{report{Calls: 9, Refreshes: 1}, false, true},
		{report{Calls: 9, Refreshes: 1, CallErrors: 8}, false, true},
		{report{Calls: 9, Refreshes: 1, Lost: 1}, false, false},
		{report{Calls: 9, Refreshes: 1, Lost: 1}, true, true},
		{report{Calls: 9, Refreshes: 1, Lost: 1, SilentlyLost: 1}, true, false},
		{report{Calls: 9, CallErrors: 9, Refreshes: 1}, false, false},
		{report{Calls: 9, Refreshes: 1, doubtful: true}, false, false},
		{report{Calls: 9, doubtful: true}, true, true},
		{report{Calls: 9}, false, false},
		{report{Calls: 9}, true, true},
	} {
		if err := c.report.verdict(c.kill); (err == nil) != c.good {
			t.Errorf("%+v, killing %v: %v", c.report, c.kill, err)
		}
	}
}
