// Command rblxgen imports Roblox's OpenAPI document and generates the module's
// clients from it.
package main

import (
	"os"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
