package oauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/assets"
	"github.com/rblx-go/opencloud/api/users"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/transport"
)

// The client for all users has a credential, and brings it to a typed client
// that has none of its own.
func TestAppClientBeneathATypedClient(t *testing.T) {
	t.Parallel()
	s := newSite(t, newIDP(t), oauth.LoginOptions{})
	rbx, err := opencloud.New(opencloud.Options{HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	view := rbx.As(s.Grant(oauth.NewGrantID())) // which is one credential too many
	if _, err := users.New(view).GetUser(t.Context(), "156"); err == nil || !strings.Contains(err.Error(), "credential") {
		t.Error(err)
	}
}

// A grant that is gone is an answer, not a failure of the network: nobody tries
// again, whichever way the grant has come to the typed client.
func TestNobodyRetriesALostGrant(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]func(*oauth.Grant) (opencloud.Options, transport.Credential){
		"beneath": func(g *oauth.Grant) (opencloud.Options, transport.Credential) {
			return opencloud.Options{HTTPClient: g.Client()}, nil
		},
		"beside": func(g *oauth.Grant) (opencloud.Options, transport.Credential) { return opencloud.Options{}, g },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app, err := oauth.New(oauth.Config{
					ClientID: "1", RedirectURL: "https://example.com/callback", Scopes: []string{"openid"}, Store: oauth.NewMemoryStore(),
				})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = app.Close(context.Background()) }()
				opts, credential := as(app.Grant(oauth.NewGrantID()))
				rbx, err := opencloud.New(opts)
				if err != nil {
					t.Fatal(err)
				}
				if credential != nil {
					rbx = rbx.As(credential)
				}
				start := time.Now()
				_, err = users.New(rbx).GetUser(t.Context(), "156")
				_, opErr := assets.New(rbx).ResumeCreateAsset("operations/1").Wait(t.Context())
				for _, err := range []error{err, opErr} {
					if !errors.Is(err, oauth.ErrNeedsReauth) || !transport.NotSent(err) {
						t.Error(err)
					}
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("waited %v", took)
				}
			})
		})
	}
}
