package soak

import (
	"fmt"
	"net/http"
	"time"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// task is what a process is to do, sent to it as JSON. It holds no secret:
// those are in the environment.
type task struct {
	Provider    oauth.Provider `json:"provider"`
	RedirectURL string         `json:"redirect_url"`
	Scopes      []string       `json:"scopes"`
	Store       stores.Place   `json:"store"`
	GrantID     oauth.GrantID  `json:"grant_id"`
	Goroutines  int            `json:"goroutines"`
	Force       bool           `json:"force"`  // tokens live too long to rotate by themselves
	Keyset      string         `json:"keyset"` // file; empty seals nothing
}

// pace is the send budget and the drain margin: small, so that a short run
// sees many rotations.
const pace = time.Second

// newApp returns the app over s, with its doings counted by m.
func (t task) newApp(env signin.App, s oauth.Store, m *meter) (*oauth.App, error) {
	m.base = signin.NewTransport()
	var sealer oauth.Sealer
	if t.Keyset != "" {
		var err error
		if sealer, err = tinkseal.Open(t.Keyset); err != nil {
			return nil, fmt.Errorf("--keyset: %w", err)
		}
	}
	return oauth.New(oauth.Config{
		ClientID:      env.ClientID,
		ClientSecret:  env.ClientSecret,
		RedirectURL:   t.RedirectURL,
		Scopes:        t.Scopes,
		Store:         s,
		Sealer:        sealer,
		Provider:      &t.Provider,
		HTTPClient:    &http.Client{Transport: m},
		SendBudget:    pace,
		DrainMargin:   pace,
		OnTokenChange: m.hear,
		Logger:        m.logger(),
	})
}
