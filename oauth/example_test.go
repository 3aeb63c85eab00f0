package oauth_test

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

func app() *oauth.App {
	a, err := oauth.New(oauth.Config{
		ClientID: "7290610391231237934", RedirectURL: "http://localhost:3000/callback",
		Scopes: []string{"openid", "profile"}, Store: oauth.NewMemoryStore(),
	})
	if err != nil {
		log.Fatal(err)
	}
	return a
}

// One http.Client serves all users: the grant travels in the context.
func ExampleWithGrant() {
	a := app()
	client := a.Client()
	call := func(ctx context.Context, session oauth.GrantID) error {
		ctx = oauth.WithGrant(ctx, a.Grant(session))
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://apis.roblox.com/oauth/v1/userinfo", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if err != nil {
			return err // oauth.ErrNeedsReauth: send the user to sign in again
		}
		return resp.Body.Close()
	}
	_ = call
}

// Every replica may run a keeper; they share the work.
func ExampleApp_Keep() {
	a := app()
	ctx, stop := context.WithCancel(context.Background())
	defer stop() // at shutdown, before App.Close
	go func() {
		err := a.Keep(ctx, oauth.KeepOptions{OnProgress: func(p oauth.KeepProgress) {
			log.Printf("%d renewed, %d lost, %d to be tried again", p.Renewed, p.Lost, p.Failed)
		}})
		if !errors.Is(err, context.Canceled) && !errors.Is(err, oauth.ErrClosed) {
			log.Print(err)
		}
	}()
}

// A user asks to be forgotten.
func ExampleApp_Erase() {
	a := app()
	erased, err := a.Erase(context.Background(), "156")
	for _, e := range erased {
		log.Printf("grant %s: Roblox knows: %s; our row is gone: %t", e.GrantID, e.Reason, e.Err == nil)
	}
	if err != nil {
		log.Print("erase again later: ", err)
	}
}

// Once a day, say.
func ExampleApp_Purge() {
	a := app()
	n, err := a.Purge(context.Background(), 30*24*time.Hour)
	log.Printf("%d dead grants are gone: %v", n, err)
}
