package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/importer"
)

func censusCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "census",
		Short: "Says what became of every operation of the imported document",
		Args:  usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			name := filepath.Join(*dir, "openapi", "census.json")
			text, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s: missing; --dir names the module's root, where rblxgen import FILE writes it", name)
			}
			if err != nil {
				return err
			}
			var c importer.Census
			if err := json.Unmarshal(text, &c); err != nil {
				return fmt.Errorf("openapi/census.json: %w", err)
			}
			out, n := cmd.OutOrStdout(), c.Operations
			fmt.Fprintf(out, "document of %s\n", c.Document.Date)
			for _, family := range slices.Sorted(maps.Keys(c.Families)) {
				fmt.Fprintf(out, "  %-18s %d\n", family, c.Families[family])
			}
			for _, key := range slices.Sorted(maps.Keys(c.Twins)) {
				fmt.Fprintf(out, "one on the wire: %s is %s\n", key, c.Twins[key])
			}
			for _, key := range slices.Sorted(maps.Keys(c.Skipped)) {
				fmt.Fprintf(out, "without a method: %s (%s)\n", key, c.Skipped[key])
			}
			for _, key := range c.Unplaced {
				fmt.Fprintf(out, "unplaced: %s\n", key)
			}
			if n.Kept > 0 {
				fmt.Fprintf(out, "kept from earlier documents: %d\n", n.Kept)
			}
			fmt.Fprintf(out, "total %d accepted %d generated %d left-out %d unplaced %d\n", n.Total, n.Accepted, n.Generated, n.LeftOut, n.Unplaced)
			return nil
		},
	}
}
