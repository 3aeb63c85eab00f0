package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// written returns a logger at that level and what reads the lines it wrote.
func written(t *testing.T, level slog.Level) (logger *slog.Logger, raw *bytes.Buffer, lines func() []map[string]any) {
	t.Helper()
	raw = new(bytes.Buffer)
	logger = slog.New(slog.NewJSONHandler(raw, &slog.HandlerOptions{Level: level}))
	return logger, raw, func() (all []map[string]any) {
		t.Helper()
		for line := range strings.Lines(raw.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			delete(m, "time")
			all = append(all, m)
		}
		return all
	}
}

// Every attempt is a line, and every wait between two; nothing in it is secret.
func TestLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logger, raw, lines := written(t, slog.LevelDebug)
		answers := []any{
			&url.Error{Op: "Get", URL: home + "/things/1?q=secret-query", Err: errReset}, http.Header{"X-Secret": {"secret-header"}}, http.StatusOK,
		}
		server := &script{outcomes: answers}
		identified := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			time.Sleep(20 * time.Millisecond)
			resp, err := server.RoundTrip(r)
			if err == nil {
				resp.Header.Set("X-Request-Id", "r-7"+strings.Repeat("x", 1000))
			}
			return resp, err
		})
		rt := transport.Stack(identified, transport.Layers{
			Retry: new(transport.Retry), Credential: transport.NewAPIKey("secret-key"), Allowed: homeOrigins(t),
			Telemetry: []transport.Telemetry{transport.NewLog(logger)},
		})
		ctx := transport.WithMethod(t.Context(), getThing)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, home+"/things/1?q=secret-query", strings.NewReader("secret-body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := server.reqs[0].Header.Get("X-Api-Key"); got != "secret-key" {
			t.Fatalf("the request had the key %q", got)
		}
		if strings.Contains(raw.String(), "secret") {
			t.Errorf("logged a secret: %s", raw)
		}
		id := "r-7" + strings.Repeat("x", 97)
		common := `level:DEBUG method:things.GetThing msg:roblox request path:/things/{id}`
		const again = ` level:DEBUG method:things.GetThing msg:roblox request waited to be sent again]`
		want := []string{
			`map[attempt:1 duration:2e+07 error_type:read host:apis.roblox.com ` + common + ` verb:GET]`,
			`map[attempt:2` + again,
			`map[attempt:2 duration:2e+07 host:apis.roblox.com ` + common + ` request_id:` + id + ` status:429 verb:GET]`,
			`map[attempt:3` + again,
			`map[attempt:3 duration:2e+07 host:apis.roblox.com ` + common + ` request_id:` + id + ` status:200 verb:GET]`,
		}
		got := lines()
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d: %s", len(got), len(want), raw)
		}
		for i, line := range got {
			if strings.HasSuffix(want[i], again) {
				delete(line, "duration") // is random
			}
			if s := fmt.Sprint(line); s != want[i] {
				t.Errorf("line %d is\n%s, want\n%s", i, s, want[i])
			}
		}
	})
}

// A wait for a turn is a line, one in vain too; no wait is none.
func TestLogWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logger, raw, lines := written(t, slog.LevelDebug)
		quick := *getThing
		quick.KeyLimit = transport.Limit{Max: 1, Per: time.Minute}
		rt := transport.Stack(&script{outcomes: []any{http.StatusOK}}, transport.Layers{
			Pacer: new(transport.Pacer), Credential: transport.NewAPIKey("k"), Allowed: homeOrigins(t),
			Telemetry: []transport.Telemetry{transport.NewLog(logger)},
		})
		for range 2 {
			if _, err := call(t.Context(), t, rt, &quick, ""); err != nil {
				t.Fatal(err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := call(short, t, rt, &quick, ""); err == nil {
			t.Fatal("a third call was sent")
		}
		var got []string
		for _, line := range lines() {
			got = append(got, fmt.Sprint(line["msg"], " ", line["sent"]))
		}
		const sent, waited = "roblox request <nil>", "roblox request waited for its turn "
		if want := []string{sent, waited + "<nil>", sent, waited + "false"}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q, want %q: %s", got, want, raw)
		}
	})
}

// A logger that does not take debug gets nothing.
func TestLogAboveDebug(t *testing.T) {
	t.Parallel()
	logger, raw, _ := written(t, slog.LevelInfo)
	rt := transport.NewLog(logger).RoundTripper(&script{outcomes: []any{http.StatusOK}})
	if status, err := call(t.Context(), t, rt, getThing, ""); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	transport.NewLog(logger).Waited(t.Context(), transport.Wait{Took: time.Second})
	if raw.Len() > 0 {
		t.Errorf("logged %s", raw)
	}
}

func TestErrorType(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"canceled": &url.Error{Err: context.Canceled}, "timeout": context.DeadlineExceeded, "dns": &net.OpError{Op: "dial", Err: &net.DNSError{}},
		"dial": errDial, "read": errReset, "_OTHER": errors.New("malformed HTTP response \"x-api-key: k\""),
	} {
		if got := transport.ErrorType(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
