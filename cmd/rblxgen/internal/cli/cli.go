// Package cli is the command line of rblxgen.
package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
)

// Main runs the command line and returns the process's exit status: 0, or 1
// after one line on stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "rblxgen",
		Short: "Imports Roblox's OpenAPI document and generates the clients from it",
	}
	dir := root.PersistentFlags().String("dir", ".", "the module's root")
	root.AddCommand(importCommand(dir), generateCommand(dir), censusCommand(dir), diffCommand(dir))
	root.SetArgs(args)
	root.SetOut(stdout)
	return usage.Main(context.Background(), usage.Group(root), stderr)
}
