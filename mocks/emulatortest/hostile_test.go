package emulatortest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// Whatever a provider answers in the middle of a sign-in, it ends well or in a
// typed error that leaves no grant behind; the code is sent once, and nothing
// goes to where an answer redirects.
func TestSignInAtAHostileProvider(t *testing.T) {
	t.Parallel()
	endpoints := []emulator.Endpoint{emulator.EndpointToken, emulator.EndpointCerts, emulator.EndpointResources}
	kinds := []emulator.Kind{
		emulator.Drop, emulator.Reset, emulator.Status, emulator.Redirect, emulator.HTML, emulator.Truncate,
		emulator.Cut, emulator.Trailing, emulator.ByteOrder, emulator.Oversize,
	}
	for _, endpoint := range endpoints {
		for _, kind := range kinds {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/after=%t", endpoint, kind, after), func(t *testing.T) {
					t.Parallel()
					hostileSignIn(t, emulator.Fault{Endpoint: endpoint, Kind: kind, After: after, Times: -1})
				})
			}
		}
	}
}

func hostileSignIn(t *testing.T, fault emulator.Fault) {
	t.Helper()
	var strangers atomic.Int64
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	defer stranger.Close()
	fault.Status, fault.Location = http.StatusTemporaryRedirect, stranger.URL
	if fault.Kind == emulator.Status {
		fault.Status = http.StatusServiceUnavailable
	}
	if fault.Kind == emulator.HTML {
		fault.Status = http.StatusOK
	}
	emu := emulatortest.Start(t, short)
	store := oauth.NewMemoryStore()
	app := newApp(t, emu.OAuth(t, store))
	emu.Fault(fault)

	var (
		callbacks int
		login     *oauth.Login
		failure   error
	)
	site := http.NewServeMux()
	site.Handle("GET /login", app.LoginHandler(oauth.LoginOptions{RequireResources: true}))
	site.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		callbacks++
		login, failure = app.FinishLogin(w, r)
	})
	b := browser.New(browser.Options{Handlers: map[string]http.Handler{"localhost:3000": site}})
	if _, err := b.Open(t.Context(), "http://localhost:3000/login"); err != nil {
		t.Fatal(err)
	}

	if callbacks != 1 || (login == nil) == (failure == nil) {
		t.Fatalf("%d callbacks, login %v, error %v", callbacks, login, failure)
	}
	grants := 0
	for row, err := range store.Find(t.Context(), oauth.Query{State: oauth.StateActive}) {
		if err != nil {
			t.Fatal(err)
		}
		if login == nil || row.GrantID != login.GrantID {
			t.Errorf("grant %s is left behind", row.GrantID)
		}
		grants++
	}
	if good := survives(fault); (login != nil) != good || (grants == 1) != good {
		t.Errorf("login %v, error %v, %d grants; want success %t", login, failure, grants, good)
	}
	if failure != nil {
		refused, ok := errors.AsType[*oauth.CallbackError](failure)
		if !ok || refused.Status < http.StatusBadRequest {
			t.Errorf("%T %v", failure, failure)
		}
		if text := failure.Error(); strings.Contains(text, emulatortest.DefaultClientSecret) || strings.Contains(text, "offline_access") {
			t.Errorf("the error says %s", text) // a scope would not have helped
		}
	}
	if log := emu.Log(); log.TokenPOSTs("authorization_code") > 1 || strangers.Load() != 0 {
		t.Errorf("%d exchanges, %d requests to the stranger", log.TokenPOSTs("authorization_code"), strangers.Load())
	}
}

// survives reports whether a whole answer can be told from what surrounds it.
func survives(f emulator.Fault) bool {
	switch f.Kind {
	case emulator.Oversize:
		return f.Endpoint != emulator.EndpointCerts
	case emulator.Trailing, emulator.ByteOrder:
		return f.Endpoint == emulator.EndpointToken
	default:
		return false
	}
}
