package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/importer"
)

func censusCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "census",
		Short: "Says what became of every operation of the imported document",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := os.ReadFile(filepath.Join(*dir, "openapi", "census.json"))
			if err != nil {
				return err
			}
			var c importer.Census
			if err := json.Unmarshal(text, &c); err != nil {
				return fmt.Errorf("openapi/census.json: %w", err)
			}
			out, n := cmd.OutOrStdout(), c.Operations
			fmt.Fprintf(out, "document of %s: %d operations, %d of them for a browser's cookie only\n", c.Document.Date, n.Total, n.CookieOnly)
			fmt.Fprintf(out, "generated: %d, of which %d from earlier documents\n", n.Generated, n.Kept)
			for _, family := range slices.Sorted(maps.Keys(c.Families)) {
				fmt.Fprintf(out, "  %-14s %d\n", family, c.Families[family])
			}
			fmt.Fprintf(out, "in no family yet: %d\n", n.NotPlaced)
			for _, key := range slices.Sorted(maps.Keys(c.NotPlaced)) {
				fmt.Fprintf(out, "  %s (%s)\n", key, c.NotPlaced[key])
			}
			return nil
		},
	}
}
