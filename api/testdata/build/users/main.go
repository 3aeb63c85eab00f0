// Command users is built by BenchmarkColdBuild.
package main

import (
	"context"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/users"
)

func main() {
	core, err := opencloud.New(opencloud.Options{APIKey: "k"})
	if err != nil {
		panic(err)
	}
	_, _ = users.New(core).GetUser(context.Background(), "1")
}
