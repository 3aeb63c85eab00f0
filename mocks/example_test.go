package mocks_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/users"
	"github.com/rblx-go/opencloud/mocks"
)

func Example() {
	fake := &mocks.Users{GetUserFunc: func(_ context.Context, userID string) (*users.User, error) {
		if userID != "156" {
			return nil, opencloud.ErrNotFound
		}
		return &users.User{ID: userID, DisplayName: "Builder"}, nil
	}}
	c := users.New(fake.Client()) // the real client, over the fake's funcs

	u, err := c.GetUser(context.Background(), "156")
	fmt.Println(u.DisplayName, err)
	_, err = c.GetUser(context.Background(), "7")
	fmt.Println(errors.Is(err, opencloud.ErrNotFound))
	// Output:
	// Builder <nil>
	// true
}
