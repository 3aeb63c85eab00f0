package generator

import (
	"path/filepath"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Stale names the corrections in overlay.yaml that are of operations, or of
// their schemas, which the description has no more since an import with --prune.
// Generate ignores them.
func Stale(root string) ([]string, error) {
	doc, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		return nil, err
	}
	overlay, err := spec.Read(filepath.Join(root, "openapi", "overlay.yaml"))
	if err != nil {
		return nil, err
	}
	return dropStale(root, doc, overlay)
}

// dropStale takes out of the overlay what Stale names. An operation is pruned if
// it has a pinned name, and is a mistake otherwise. Schemas have no pins: they
// are thought to have gone with operations, if any have.
func dropStale(root string, doc, overlay spec.Object) ([]string, error) {
	pins, err := spec.Read(filepath.Join(root, "openapi", "names.yaml"))
	if err != nil {
		return nil, err
	}
	pruned := map[string]bool{}
	for key := range spec.At(pins, "operations") {
		pruned[key] = true
	}
	for _, op := range spec.Operations(doc) {
		delete(pruned, op.Key())
	}
	if len(pruned) == 0 {
		return nil, nil
	}
	var stale []string
	for _, op := range spec.Operations(overlay) {
		if pruned[op.Key()] {
			stale = append(stale, op.Key())
			delete(spec.At(overlay, "paths", op.Path), strings.ToLower(op.Verb))
		}
	}
	for path, item := range spec.At(overlay, "paths") {
		if o, _ := item.(spec.Object); len(o) == 0 {
			delete(spec.At(overlay, "paths"), path)
		}
	}
	schemas := spec.At(overlay, "components", "schemas")
	for _, name := range spec.Keys(schemas) {
		if spec.At(doc, "components", "schemas", name) == nil {
			stale = append(stale, name)
			delete(schemas, name)
		}
	}
	return stale, nil
}
