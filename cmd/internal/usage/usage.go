// Package usage makes every mistake on a command line one line that says what
// to do.
package usage

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Main runs root and returns the process's exit status: 0, or 1 after one line
// on errOut. A flag that is wrong names --help.
func Main(ctx context.Context, root *cobra.Command, errOut io.Writer) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; %s --help lists the flags", err, c.CommandPath())
	})
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(errOut, "%s: %s\n", root.Name(), line(err))
		return 1
	}
	return 0
}

// line puts errors that were joined into one line.
func line(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}

// Group makes c a command of subcommands: alone it prints its help.
func Group(c *cobra.Command) *cobra.Command {
	c.Args = None
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// None is the Args of a command that takes none. It says what else there is.
func None(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := ""
	c.SuggestionsMinimumDistance = 2 // letters that are wrong
	if names := c.SuggestionsFor(args[0]); len(names) > 0 {
		near = fmt.Sprintf(" (did you mean %s?)", strings.Join(names, " or "))
	}
	return fmt.Errorf("unknown command %q for %q%s; see %s --help", args[0], c.CommandPath(), near, c.CommandPath())
}

// Exactly is the Args of a command that takes n. What it wants, such as "one
// FILE", is said with the command's example.
func Exactly(n int, want string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("want %s, as in %s", want, strings.TrimSpace(c.Example))
	}
}
