package pgstore_test

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/pgstore"
)

// A site on several machines, with a replica to fail over to.
func Example() {
	ctx := context.Background()
	store, err := pgstore.Open(ctx, "postgres://site@db1,db2/site?target_session_attrs=read-write", pgstore.Options{})
	if err != nil {
		log.Fatal(err) // names what to change
	}
	app, err := oauth.New(oauth.Config{
		ClientID:     os.Getenv("ROBLOX_CLIENT_ID"),
		ClientSecret: oauth.Secret(os.Getenv("ROBLOX_CLIENT_SECRET")),
		RedirectURL:  "https://example.com/callback",
		Scopes:       []string{"openid", "profile"},
		Store:        store,
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("GET /login", app.LoginHandler(oauth.LoginOptions{}))

	// At the end, in this order:
	if err := errors.Join(app.Close(ctx), store.Close()); err != nil {
		log.Print(err)
	}
}

// Behind PgBouncer, which pools transactions, Watch needs a way of its own.
func ExampleOptions() {
	store, err := pgstore.Open(context.Background(), "postgres://site@pgbouncer:6432/site", pgstore.Options{
		ListenDSN: "postgres://site@db1:5432/site",
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = store.Close()
}
