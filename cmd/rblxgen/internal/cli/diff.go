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
	"strings"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/apidiff"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/importer"
)

func diffCommand(dir *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Says in terms of Go how the API changes from OLD to NEW",
		Long: `Diff compares the exported API of two states, each of which is a directory
with the module, or with its api directory alone, or a document of Roblox's.
Of a document it is the API that the document alone leads to, under the names
of this module. Of two modules it is the API of all packages that users import;
otherwise that of the families. What breaks a user's code comes first.`,
		Example: "  rblxgen diff openapi-2026-08-11.json openapi-2026-08-22.json",
		Args:    usage.Exactly(2, "OLD and NEW, each a directory or a document"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var files [2]map[string][]byte
			for i, name := range args {
				var err error
				if files[i], err = readFiles(*dir, name); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			if !isModule(files[0]) || !isModule(files[1]) {
				onlyAPI(files[0])
				onlyAPI(files[1])
			}
			var surfaces [2]apidiff.Surface
			for i, name := range args {
				var err error
				if surfaces[i], err = apidiff.Parse(files[i]); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			changes := apidiff.Diff(surfaces[0], surfaces[1])
			if !asJSON {
				apidiff.Write(cmd.OutOrStdout(), changes)
				return nil
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			return enc.Encode(changes)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON list of kind, name, old and new")
	return cmd
}

// readFiles reads the Go files of a module's directory, or those that a document
// leads to.
func readFiles(dir, name string) (map[string][]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return goFiles(name)
	}
	source, _, err := readSource(name)
	if err != nil {
		return nil, err
	}
	files, err := importer.Alone(dir, source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the names to read it by are missing (%w); --dir names the module's root", err)
	}
	return files, err
}

// isModule reports whether there is more than the families.
func isModule(files map[string][]byte) bool { return files["client.go"] != nil }

// onlyAPI drops all but the families.
func onlyAPI(files map[string][]byte) {
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return !strings.HasPrefix(name, "api/") })
}

// goFiles reads the Go files below root of what users import.
func goFiles(root string) (map[string][]byte, error) {
	if _, err := os.Stat(filepath.Join(root, "api")); errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("no directory api in it; name a module's root, or a document of Roblox's")
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		_, other := os.Stat(filepath.Join(path, "go.mod")) // nil in a module of its own
		switch {
		case d.IsDir() && rel != "." && (other == nil || d.Name()[0] == '.' || slices.Contains([]string{"cmd", "internal", "testdata"}, d.Name())):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files[filepath.ToSlash(rel)], err = os.ReadFile(path)
		return err
	})
	return files, err
}
