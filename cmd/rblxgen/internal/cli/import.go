package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/importer"
)

func importCommand(dir *string) *cobra.Command {
	var o importer.Options
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Brings openapi/*.yaml up to Roblox's document FILE",
		Long: `Import reads Roblox's OpenAPI document and writes openapi/opencloud.yaml,
names.yaml and census.json. What an earlier document had and this one lacks
stays, deprecated. Names that users know stay as they are. A document that
cannot be read changes nothing.`,
		Example: "  rblxgen import openapi.json && rblxgen generate",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := readSource(args[0])
			if err != nil {
				return err
			}
			if o.Date == "" {
				if o.Date = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`).FindString(filepath.Base(args[0])); o.Date == "" {
					return fmt.Errorf("--date is needed: the name of %s has none", args[0])
				}
			}
			result, err := importer.Import(*dir, source, o)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			for _, w := range result.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "rblxgen:", w)
			}
			changed, err := writeFiles(*dir, result.Files)
			if err != nil {
				return err
			}
			slices.Sort(changed)
			for _, name := range changed {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Date, "date", "", "the document's date, YYYY-MM-DD (default: from the name of FILE)")
	cmd.Flags().BoolVar(&o.Prune, "prune", false, "drop operations that the document no longer has")
	cmd.Flags().BoolVar(&o.Strict, "strict", false, "stop instead of making up a name for something new")
	return cmd
}

// readSource reads a document, and no more of it than one may have.
func readSource(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, importer.MaxSource+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}
