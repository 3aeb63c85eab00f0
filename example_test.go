package opencloud_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/filestore"
)

// What the examples take from the program around them.
var (
	ctx      = context.Background()
	mux      = http.NewServeMux()
	sessions interface {
		// Renew starts a session with a fresh id, Grant reads it.
		Renew(http.ResponseWriter, *http.Request, oauth.GrantID) error
		Grant(*http.Request) (oauth.GrantID, bool)
	}
)

func Example_apiKey() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err) // names the field that is wrong; nothing was sent
	}
	c := api.New(rbx)
	user, err := c.Users.GetUser(ctx, "156")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.DisplayName)
}

func Example_signIn() {
	store, err := filestore.Open("/var/lib/mysite/grants")
	if err != nil {
		log.Fatal(err)
	}
	app, err := oauth.New(oauth.Config{
		ClientID:     os.Getenv("ROBLOX_CLIENT_ID"),
		ClientSecret: oauth.Secret(os.Getenv("ROBLOX_CLIENT_SECRET")),
		RedirectURL:  "https://example.com/callback",
		Scopes:       []string{"openid", "profile", "universe-messaging-service:publish"},
		Store:        store,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer app.Close(ctx) // waits for a refresh to be saved

	mux.Handle("GET /login", app.LoginHandler(oauth.LoginOptions{ReturnTo: "/me"}))
	mux.Handle("GET /callback", app.CallbackHandler(
		func(w http.ResponseWriter, r *http.Request, l *oauth.Login) error {
			return sessions.Renew(w, r, l.GrantID)
		}))
}

func Example_onBehalf() {
	var app *oauth.App        // from the sign-in
	var rbx *opencloud.Client // from opencloud.New
	mux.HandleFunc("POST /announce", func(w http.ResponseWriter, r *http.Request) {
		grantID, ok := sessions.Grant(r)
		if !ok {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		c := api.New(rbx.As(app.Grant(grantID))) // cheap: make one per request
		err := c.Messaging.Publish(r.Context(), "8801", "news", r.FormValue("text"))
		switch {
		case errors.Is(err, oauth.ErrNeedsReauth):
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
}

func Example_iterate() {
	var c *api.Client
	store := datastores.Store{Universe: "8801", ID: "PlayerData"}
	for entry, err := range c.DataStores.Entries(ctx, store, nil) { // every page
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.ID)
	}

	_, err := c.DataStores.GetEntry(ctx, store, "player_156")
	if errors.Is(err, opencloud.ErrNotFound) {
		fmt.Println("a new player")
	}
	if e, ok := errors.AsType[*opencloud.Error](err); ok {
		fmt.Println(e.Method, e.Status, e.Code, e.RequestID) // safe to log
	}
}

func Example_emulator() {
	var t *testing.T
	emu := emulatortest.Start(t) // a whole Roblox, until the test ends
	rbx, err := opencloud.New(emu.Options())
	if err != nil {
		t.Fatal(err)
	}
	u, err := api.New(rbx).Universes.GetUniverse(t.Context(), "8801")
	if err != nil || u.DisplayName == "" {
		t.Error(u, err)
	}
}
