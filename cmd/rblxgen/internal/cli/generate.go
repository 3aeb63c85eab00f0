package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
)

func generateCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "generate",
		Short: "Writes api/**/*.gen.go and mocks/*.gen.go from openapi/*.yaml, offline",
		Args:  usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := generator.Generate(*dir)
			if err != nil {
				return err
			}
			stale, err := generator.Stale(*dir)
			if err != nil {
				return err
			}
			for _, name := range stale {
				fmt.Fprintf(cmd.ErrOrStderr(), "rblxgen: %s is not in the description any more: remove it from openapi/overlay.yaml\n", name)
			}
			changed, err := write(*dir, files)
			if err != nil {
				return err
			}
			for _, name := range changed {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return nil
		},
	}
}

// write brings the generated files below dir to the wanted state and returns
// what it changed. Files that are no longer generated go.
func write(dir string, files map[string][]byte) ([]string, error) {
	var changed []string
	for _, tree := range []string{"api", "mocks"} {
		err := filepath.WalkDir(filepath.Join(dir, tree), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".gen.go") && !strings.HasSuffix(path, "_gen_test.go") {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			if _, wanted := files[filepath.ToSlash(rel)]; wanted {
				return nil
			}
			changed = append(changed, filepath.ToSlash(rel)+" (removed)")
			return os.Remove(path)
		})
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	written, err := writeFiles(dir, files)
	changed = append(changed, written...)
	slices.Sort(changed)
	return changed, err
}

// writeFiles writes the files whose content differs and returns their names.
func writeFiles(dir string, files map[string][]byte) ([]string, error) {
	var changed []string
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, err
		}
		changed = append(changed, name)
	}
	return changed, nil
}
