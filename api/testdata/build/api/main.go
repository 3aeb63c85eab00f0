// Command api is built by BenchmarkColdBuild.
package main

import (
	"context"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
)

func main() {
	core, err := opencloud.New(opencloud.Options{APIKey: "k"})
	if err != nil {
		panic(err)
	}
	_, _ = api.New(core).Users.GetUser(context.Background(), "1")
}
