package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
	"github.com/rblx-go/opencloud/api/groups"
	"github.com/rblx-go/opencloud/api/universes"
)

func Example() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	c := api.New(rbx)
	u, err := c.Users.GetUser(context.Background(), "156")
	if errors.Is(err, opencloud.ErrNotFound) {
		fmt.Println("no such user")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.DisplayName)
}

func Example_groups() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, c := context.Background(), api.New(rbx)
	for m, err := range c.Groups.Memberships(ctx, "7", &groups.ListMembershipsParams{MaxPageSize: 99}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.User, m.Role)
	}
}

func Example_universes() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	// Only what is set changes, false and 0 included.
	u, err := universes.New(rbx).UpdateUniverse(context.Background(), "1", universes.UniverseUpdate{VoiceChatEnabled: new(false)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.VoiceChatEnabled)
}

func Example_messaging() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	if err := api.New(rbx).Messaging.Publish(context.Background(), "1", "topic", "hello"); err != nil {
		log.Fatal(err)
	}
}

func Example_dataStores() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, c := context.Background(), api.New(rbx)
	store := datastores.Store{Universe: "1", ID: "PlayerData"}
	type save struct {
		Coins int `json:"coins"`
	}
	if _, err := c.DataStores.UpdateEntry(ctx, store, "player-156", datastores.EntryUpdate{Value: save{Coins: 5}}, &datastores.UpdateEntryParams{AllowMissing: true}); err != nil {
		log.Fatal(err)
	}
	entry, err := c.DataStores.GetEntry(ctx, store, "player-156")
	if err != nil {
		log.Fatal(err)
	}
	var s save
	if err := json.Unmarshal(entry.Value, &s); err != nil {
		log.Fatal(err)
	}
	for e, err := range c.DataStores.Entries(ctx, store, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.ID)
	}
}
