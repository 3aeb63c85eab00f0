// Command rblx works with Roblox's OAuth 2.0 and Open Cloud from a terminal.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli"
)

func main() { os.Exit(run()) }

// run is main with an exit status, so that a test can run it too.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
