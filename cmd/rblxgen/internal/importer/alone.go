package importer

import (
	"os"
	"path/filepath"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Alone returns the Go that a document alone leads to, without what earlier
// documents had, under the names and corrections of the module at root.
func Alone(root string, source []byte) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "rblxgen")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's to clear away if we cannot
	if err := os.Mkdir(filepath.Join(dir, "openapi"), 0o700); err != nil {
		return nil, err
	}
	write := func(name string, content []byte) error {
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), content, 0o600)
	}
	names, err := os.ReadFile(filepath.Join(root, "openapi", "names.yaml"))
	if err != nil {
		return nil, err
	}
	if err := write("openapi/names.yaml", names); err != nil {
		return nil, err
	}
	overlay, err := spec.Read(filepath.Join(root, "openapi", "overlay.yaml"))
	if err != nil {
		return nil, err
	}
	text, err := spec.Encode("", overlay)
	if err != nil {
		return nil, err
	}
	if err := write("openapi/overlay.yaml", text); err != nil { // the import needs its addresses
		return nil, err
	}
	r, err := Import(dir, source, Options{Date: "document"})
	if err != nil {
		return nil, err
	}
	for name, content := range r.Files {
		if err := write(name, content); err != nil {
			return nil, err
		}
	}
	description, err := spec.Decode(r.Files["openapi/opencloud.yaml"])
	if err != nil {
		return nil, err
	}
	keepMeant(overlay, description)
	if text, err = spec.Encode("", overlay); err != nil {
		return nil, err
	}
	if err := write("openapi/overlay.yaml", text); err != nil {
		return nil, err
	}
	return generator.Generate(dir)
}

// keepMeant drops the corrections that are meant for what the description does
// not have.
func keepMeant(overlay, description spec.Object) {
	for _, keys := range [][]string{{"paths"}, {"components", "schemas"}} {
		over, base := spec.At(overlay, keys...), spec.At(description, keys...)
		for _, name := range spec.Keys(over) {
			if base[name] == nil {
				delete(over, name)
				continue
			}
			for _, verb := range spec.Verbs() {
				if keys[0] == "paths" && spec.At(base, name)[verb] == nil {
					delete(spec.At(over, name), verb)
				}
			}
		}
	}
}
