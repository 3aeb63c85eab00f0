package emulatortest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// canaries remembers every secret that crosses the wire, both ways.
type canaries struct {
	base http.RoundTripper
	mu   sync.Mutex
	seen map[string]string // secret: where it was last
	ways map[string]bool   // all the ways they took
}

var secretNames = []string{"access_token", "refresh_token", "id_token", "code", "code_verifier", "client_secret", "token", "state"}

func (c *canaries) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, _ := url.ParseQuery(string(sent)) // JSON has none of these names
		for _, name := range secretNames {
			c.add(form.Get(name), name+" sent")
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	c.add(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "Authorization")
	c.add(r.Header.Get("X-Api-Key"), "x-api-key")
	resp, err := c.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if json.Unmarshal(body, &members) == nil {
		for _, name := range secretNames {
			if s, ok := members[name].(string); ok {
				c.add(s, name+" received")
			}
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (c *canaries) add(secret, where string) {
	if len(secret) < 16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[secret], c.ways[where] = where, true
}

// lockedBuffer is everything that was put out.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// A whole life of a grant, with everything going wrong that can, told in logs,
// errors, formatted values and JSON: no secret is in any of it.
func TestNoSecretInAnyOutput(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, short)
	wire := &canaries{base: emu.Options().HTTPClient.Transport, seen: map[string]string{}, ways: map[string]bool{}}
	var out lockedBuffer
	config := emu.OAuth(t, oauth.NewMemoryStore())
	config.HTTPClient = &http.Client{Transport: wire}
	config.SendBudget, config.DrainMargin = 2*time.Second, 2*time.Second
	config.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tell := func(values ...any) {
		for _, v := range values {
			text, err := json.Marshal(v)
			fmt.Fprintf(&out, "%v %+v %#v %s %v\n", v, v, v, text, err)
			config.Logger.Info("value", "v", v)
			if err, ok := v.(error); ok {
				for ; err != nil; err = errors.Unwrap(err) {
					fmt.Fprintf(&out, "%v %+v %#v\n", err, err, err)
				}
			}
		}
	}
	app := newApp(t, config)
	tell(config, app, app.Grant(oauth.NewGrantID()))

	id := emulatortest.SignIn(t, app, config.RedirectURL)
	g := app.Grant(id)
	rbx, err := opencloud.New(opencloud.Options{APIKey: emu.APIKey(), BaseURL: emu.URL, HTTPClient: &http.Client{Transport: wire}})
	if err != nil {
		t.Fatal(err)
	}
	tell(emu.Options(), rbx, rbx.As(g), g)
	method := opencloud.Method{Name: "test.Call", Verb: http.MethodGet, Path: "/cloud/v2/universes/{universe_id}/data-stores", Key: true}
	for _, c := range []*opencloud.Client{rbx, rbx.As(g)} { // the second is refused
		_, err := opencloud.Do[map[string]any](t.Context(), c, &method, opencloud.Request{Path: []string{"8801"}})
		tell(err)
	}
	kinds := []emulator.Kind{
		emulator.Truncate, emulator.Cut, emulator.HTML, emulator.ErrorMember, emulator.NoAccessToken,
		emulator.OtherTokenType, emulator.Redirect, emulator.Status, emulator.Drop,
	}
	grants := make([]*oauth.Grant, len(kinds)) // made first, so that they wait for their turns together
	for i := range grants {
		grants[i] = app.Grant(emulatortest.SignIn(t, app, config.RedirectURL))
	}
	for i, kind := range kinds {
		g := grants[i]
		emu.Fault(emulator.Fault{
			Endpoint: emulator.EndpointToken, After: true, Kind: kind, Status: http.StatusServiceUnavailable, Location: "https://example.com/",
		})
		_, err := g.Refresh(t.Context())
		info, infoErr := g.Info(t.Context())
		tell(err, info, infoErr, g.Revoke(t.Context()))
	}
	_, err = g.Introspect(t.Context())
	tell(err, g.Revoke(t.Context()))
	_, err = g.Token(t.Context())
	tell(err)

	text := out.b.String()
	wire.mu.Lock()
	defer wire.mu.Unlock()
	wire.seen[string(config.ClientSecret)] = "client secret"
	wire.seen[emu.APIKey()] = "API key"
	for secret, where := range wire.seen {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s is in the output: ...%s...", where, text[max(0, i-200):i])
		}
	}
	// The controls: the scan can find things, and there was something to find.
	if !strings.Contains(text, string(id)) || !strings.Contains(text, config.ClientID) {
		t.Error("the scan misses the grant's id or the client id, which are no secrets and must be there")
	}
	for _, where := range []string{"refresh_token sent", "refresh_token received", "access_token received", "code sent", "code_verifier sent", "client_secret sent", "x-api-key", "Authorization"} {
		if !wire.ways[where] {
			t.Errorf("no %s crossed the wire: the test has gone blind", where)
		}
	}
}
