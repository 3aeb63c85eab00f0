// Package cli is the command line of rblxgen.
package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Main runs the command line and returns the process's exit status: 0, or 1
// after one line on stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "rblxgen",
		Short:         "Imports Roblox's OpenAPI document and generates the clients from it",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	dir := root.PersistentFlags().String("dir", ".", "the module's root")
	root.AddCommand(importCommand(dir), generateCommand(dir), censusCommand(dir))
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(stderr, "rblxgen:", err)
		return 1
	}
	return 0
}
