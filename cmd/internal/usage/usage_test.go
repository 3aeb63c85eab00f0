package usage_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
)

// Every end is a status and, if it is none, one line.
func TestMainPrintsOneLine(t *testing.T) {
	t.Parallel()
	both := errors.Join(errors.New("one"), errors.New("another"))
	for _, tt := range []struct {
		args   []string
		err    error
		status int
		want   string
	}{
		{[]string{"open"}, nil, 0, ""},
		{[]string{"open"}, both, 1, "tool: one; another\n"},
		{[]string{"open", "more"}, nil, 1, "tool: unknown command \"more\" for \"tool open\"; see tool open --help\n"},
		{[]string{"opne"}, nil, 1, "tool: unknown command \"opne\" for \"tool\" (did you mean open?); see tool --help\n"},
		{[]string{"open", "--wide"}, nil, 1, "tool: unknown flag: --wide; tool open --help lists the flags\n"},
		{[]string{"read"}, nil, 1, "tool: want one FILE, as in tool read a.json\n"},
		{[]string{"read", "a.json"}, nil, 0, ""},
	} {
		root := usage.Group(&cobra.Command{Use: "tool"})
		run := func(*cobra.Command, []string) error { return tt.err }
		root.AddCommand(
			&cobra.Command{Use: "open", Args: usage.None, RunE: run},
			&cobra.Command{Use: "read FILE", Args: usage.Exactly(1, "one FILE"), Example: "  tool read a.json", RunE: run},
		)
		root.SetArgs(tt.args)
		var errOut bytes.Buffer
		if status := usage.Main(t.Context(), root, &errOut); status != tt.status || errOut.String() != tt.want {
			t.Errorf("%q: %d, %q, want %d, %q", tt.args, status, errOut.String(), tt.status, tt.want)
		}
	}
}
