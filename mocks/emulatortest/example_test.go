package emulatortest_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
)

// A week of a site's life takes a moment in a bubble, whose clock is that of the
// program and of the emulator. Nothing in it may use a socket, a file or another
// clock: the emulator answers in process, and the store is one in memory.
func Example_weeks() {
	var t *testing.T
	synctest.Test(t, aWeek)
}

func aWeek(t *testing.T) {
	emu, err := emulator.New(emulator.Options{AutoConsent: true})
	if err != nil {
		t.Fatal(err)
	}
	opts, client := emu.Options(), &http.Client{Transport: emu.Transport()}
	provider, err := oauth.Discover(context.WithValue(t.Context(), oauth2.HTTPClient, client), opts.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	app, err := oauth.New(oauth.Config{
		ClientID: opts.ClientID, RedirectURL: opts.RedirectURLs[0],
		Scopes: []string{"openid", "universe-messaging-service:publish"},
		Store:  oauth.NewMemoryStore(), Provider: provider, HTTPClient: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	rbx, err := opencloud.New(opencloud.Options{BaseURL: opts.URL, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}

	var grant *oauth.Grant
	site := http.NewServeMux()
	site.Handle("GET /login", app.LoginHandler(oauth.LoginOptions{}))
	site.Handle("GET /callback", app.CallbackHandler(func(_ http.ResponseWriter, _ *http.Request, l *oauth.Login) error {
		grant = app.Grant(l.GrantID)
		return nil
	}))
	b := browser.New(browser.Options{Base: client.Transport, Handlers: map[string]http.Handler{"localhost:3000": site}})
	if _, err := b.Open(t.Context(), "http://localhost:3000/login"); err != nil || grant == nil {
		t.Fatal(grant, err)
	}

	for range 7 {
		time.Sleep(24 * time.Hour)
		if err := api.New(rbx.As(grant)).Messaging.Publish(t.Context(), "8801", "news", "a new day"); err != nil {
			t.Error(err)
		}
	}
	if n := emu.Log().TokenPOSTs("refresh_token"); n != 7 || len(emu.Messages()) != 7 {
		t.Errorf("%d refreshes, %d messages", n, len(emu.Messages()))
	}
	if err := app.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
