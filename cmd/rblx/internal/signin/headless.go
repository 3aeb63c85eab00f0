package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/oauth"
)

// maxForms bounds the pages of an issuer that ask for something.
const maxForms = 5

// Headless goes to the issuer and answers what it asks, until the callback has
// been reached, which is served in process. base carries the requests; nil
// means the network.
func Headless(ctx context.Context, app *oauth.App, home Callback, base http.RoundTripper, scopes []string) (*oauth.Login, error) {
	var (
		login  *oauth.Login
		failed error
	)
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == home.Path && r.URL.Query().Has("state") {
			login, failed = app.FinishLogin(w, r)
			return
		}
		failed = app.StartLogin(w, r, LoginOptions(scopes))
	})
	b := browser.New(browser.Options{Base: base, Handlers: map[string]http.Handler{home.Host: site}})
	_, err := b.Open(ctx, home.Origin()+"/start")
	for i := 0; i < maxForms && err == nil && failed == nil && login == nil; i++ {
		if _, err = b.Consent(ctx, true); errors.Is(err, browser.ErrNoForm) {
			_, err = b.Submit(ctx, nil)
		}
	}
	switch {
	case failed != nil:
		if refused, ok := errors.AsType[*oauth.ProviderError](failed); ok && refused.Code == "invalid_scope" {
			return nil, fmt.Errorf("%w; ROBLOX_SCOPES says which to ask for, in place of %v", failed, scopes)
		}
		return nil, failed
	case errors.Is(err, browser.ErrNoForm):
		return nil, fmt.Errorf("%s answered %d with a page that has no form to submit", b.Page().URL.Host, b.Page().Status)
	case err != nil:
		return nil, err
	case login == nil:
		return nil, fmt.Errorf("%s asks for more than consent: after %d forms the callback was not reached", b.Page().URL.Host, maxForms)
	}
	return login, nil
}
