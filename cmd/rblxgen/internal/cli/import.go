package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
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
		Args:    usage.Exactly(1, "one FILE, Roblox's document"),
		RunE: func(cmd *cobra.Command, args []string) error {
			source, date, err := readSource(args[0])
			if err != nil {
				return err
			}
			if o.Date == "" {
				o.Date = date
			}
			if _, err := time.Parse(time.DateOnly, o.Date); err != nil {
				return fmt.Errorf("--date: %q is no date such as 2026-08-11", o.Date)
			}
			result, err := importer.Import(*dir, source, o)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			for _, w := range result.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "rblxgen:", w)
			}
			if none := result.Census.Redundant; len(none) > 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "rblxgen: these passes found nothing to correct in this document:", strings.Join(none, "; "))
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
	cmd.Flags().StringVar(&o.Date, "date", "", "the document's date, YYYY-MM-DD (default: from the name of FILE, or its last change)")
	cmd.Flags().BoolVar(&o.Prune, "prune", false, "drop operations that the document no longer has")
	cmd.Flags().BoolVar(&o.Strict, "strict", false, "stop instead of making up a name for something new")
	return cmd
}

// readSource reads a document, and no more of it than one may have. Its date
// is the one in its name or else that of its last change.
func readSource(name string) (text []byte, date string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	date = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`).FindString(filepath.Base(name))
	if date == "" {
		date = info.ModTime().UTC().Format(time.DateOnly)
	}
	text, err = io.ReadAll(io.LimitReader(f, importer.MaxSource+1))
	return text, date, err
}
