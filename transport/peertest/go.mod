// The clients that package transport is shown beside are a module of their own:
// what they need is no concern of the users.
module github.com/rblx-go/opencloud/transport/peertest

go 1.26.0

require (
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/rblx-go/opencloud v0.0.0
)

require github.com/hashicorp/go-cleanhttp v0.5.2 // indirect

replace github.com/rblx-go/opencloud => ../..
