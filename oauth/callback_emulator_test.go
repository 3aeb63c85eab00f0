package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// Sign-ins on the emulator's consent page, the public client's among them.
func TestSignInAtTheEmulator(t *testing.T) {
	t.Parallel()
	allow := url.Values{"decision": {"allow"}}
	nothing := url.Values{"decision": {"allow"}, "universe": {}, "creator": {}}
	for name, c := range map[string]struct {
		options func(*emulator.Options)
		faults  []emulator.Fault
		answer  url.Values
		late    time.Duration // between consent and callback
		kind    error         // nil if it succeeds
		status  int
		posts   int
	}{
		"confidential client": {answer: allow, posts: 1},
		"public client":       {options: func(o *emulator.Options) { o.ClientSecret = "" }, answer: allow, posts: 1},
		"iss in the callback": {options: func(o *emulator.Options) { o.SendIssuer = true }, answer: allow, posts: 1},
		"denied":              {answer: url.Values{"decision": {"deny"}}, kind: oauth.ErrDenied, status: 403},
		"nothing chosen":      {answer: nothing, kind: oauth.ErrNoCreators, status: 403, posts: 1},
		"code expired":        {answer: allow, late: 61 * time.Second, kind: oauth.ErrCodeExpired, status: 400, posts: 1},
		"other device": {
			faults: []emulator.Fault{{
				Endpoint: emulator.EndpointToken, Kind: emulator.Status, Status: http.StatusUnauthorized,
				Header: http.Header{"Content-Type": {"application/json"}},
				Body:   `{"error":"invalid_request","error_description":"Authorization code may not be used from this device"}`,
			}},
			answer: allow, kind: oauth.ErrOtherDevice, status: 403, posts: 1,
		},
		"answer lost": {
			faults: []emulator.Fault{{Endpoint: emulator.EndpointToken, After: true, Kind: emulator.Drop}},
			answer: allow, kind: oauth.ErrSignInFailed, status: 502, posts: 1,
		},
		"request lost": {
			faults: []emulator.Fault{{Endpoint: emulator.EndpointToken, Kind: emulator.Reset}},
			answer: allow, kind: oauth.ErrSignInFailed, status: 502, posts: 1,
		},
		"forged ID token": {
			faults: []emulator.Fault{{Endpoint: emulator.EndpointToken, After: true, Kind: emulator.BadSignature}},
			answer: allow, kind: oauth.ErrSignInFailed, status: 502, posts: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := []func(*emulator.Options){}
			if c.options != nil {
				options = append(options, c.options)
			}
			emu := emulatortest.Start(t, options...)
			emu.Fault(c.faults...)
			var failure *oauth.CallbackError
			config := emu.OAuth(t, oauth.NewMemoryStore())
			config.OnError = func(w http.ResponseWriter, _ *http.Request, e *oauth.CallbackError) {
				failure = e
				w.WriteHeader(e.Status)
			}
			app, err := oauth.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := app.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			var login *oauth.Login
			site := http.NewServeMux()
			site.Handle("/login", app.LoginHandler(oauth.LoginOptions{RequireResources: true}))
			site.Handle("/callback", app.CallbackHandler(func(w http.ResponseWriter, _ *http.Request, l *oauth.Login) error {
				login = l
				w.WriteHeader(http.StatusOK)
				return nil
			}))
			b := browser.New(browser.Options{
				Handlers: map[string]http.Handler{"localhost:3000": site},
				StopAt:   func(u *url.URL) bool { return u.Path == "/callback" },
			})
			if _, err := b.Open(t.Context(), "http://localhost:3000/login"); err != nil {
				t.Fatal(err)
			}
			back, err := b.Submit(t.Context(), c.answer)
			if err != nil {
				t.Fatal(err)
			}
			if back.Location() == nil {
				t.Fatalf("status %d after the consent page, want a redirect", back.Status)
			}
			emu.Advance(c.late)
			page, err := b.Open(t.Context(), back.Location().String())
			if err != nil {
				t.Fatal(err)
			}
			if got := emu.Log().TokenPOSTs("authorization_code"); got != c.posts {
				t.Errorf("%d token requests, want %d", got, c.posts)
			}
			if c.kind == nil {
				if failure != nil || login == nil || login.Subject == "" || login.IDToken.Issuer != config.Provider.Issuer {
					t.Errorf("login %+v, error %v", login, failure)
				}
				return
			}
			if login != nil || !errors.Is(failure, c.kind) || page.Status != c.status {
				t.Errorf("login %+v, error %v, status %d; want %v, %d", login, failure, page.Status, c.kind, c.status)
			}
		})
	}
}
