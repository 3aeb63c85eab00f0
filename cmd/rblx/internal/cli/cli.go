// Package cli is the rblx command line. Each noun has a package of its own
// beneath this one and is added to the root command here.
package cli

import (
	"context"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli/demo"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli/emulator"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli/grants"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli/keyset"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/cli/soak"
)

// Run executes one command line and returns its exit status: 0, or 1 after one
// clear line on stderr.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := command() //nolint:contextcheck // cobra hands ctx to every RunE
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	return usage.Main(ctx, root, errOut)
}

// command is rblx with all its nouns.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:     "rblx",
		Short:   "Roblox's OAuth 2.0 and Open Cloud from a terminal",
		Version: version(),
	}
	root.AddCommand(
		demo.Command(),
		emulator.Command(),
		grants.Command(),
		keyset.Command(),
		soak.Command(),
	)
	return usage.Group(root)
}

// version is the module's as the Go command built it in, "(devel)" from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
