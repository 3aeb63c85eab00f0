package emulatortest

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/oauth"
)

// OAuth is the configuration of the emulator's one app over store. It asks for
// an ID token with the user's names and for publishing messages.
func (e *Emulator) OAuth(t testing.TB, store oauth.Store) oauth.Config {
	t.Helper()
	opts := e.Emulator.Options()
	provider, err := oauth.Discover(t.Context(), opts.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return oauth.Config{
		ClientID:     opts.ClientID,
		ClientSecret: oauth.Secret(opts.ClientSecret),
		RedirectURL:  opts.RedirectURLs[0],
		Scopes:       []string{"openid", "profile", "universe-messaging-service:publish"},
		Store:        store,
		Provider:     provider,
	}
}

// SignIn signs the emulator's first account in to app, allowing everything, in
// a browser without a window, and returns the grant.
func SignIn(t testing.TB, app *oauth.App, redirectURL string) oauth.GrantID {
	t.Helper()
	callback, err := url.Parse(redirectURL)
	if err != nil {
		t.Fatal(err)
	}
	var id oauth.GrantID
	site := http.NewServeMux()
	site.Handle("GET /login", app.LoginHandler(oauth.LoginOptions{}))
	site.Handle("GET "+callback.Path, app.CallbackHandler(func(_ http.ResponseWriter, _ *http.Request, l *oauth.Login) error {
		id = l.GrantID
		return nil
	}))
	b := browser.New(browser.Options{Handlers: map[string]http.Handler{callback.Host: site}})
	page, err := b.Open(t.Context(), callback.Scheme+"://"+callback.Host+"/login")
	if err == nil && id == "" {
		page, err = b.Consent(t.Context(), true)
	}
	if err != nil {
		t.Fatal(err)
	}
	if id == "" {
		t.Fatalf("the sign-in ended with status %d", page.Status)
	}
	return id
}
