package generator

import (
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// OneTypes lists the schemas, family.Type, that one Go type carries both ways.
// Users have it in their code: x-rblx-one-type keeps it so when the schema gains
// a field that would call for two.
func OneTypes(doc spec.Object) ([]string, error) {
	var out []string
	for _, name := range Families(doc) {
		f, err := newFamily(doc, name)
		if err != nil {
			return nil, err
		}
		for _, op := range spec.Operations(f.doc) {
			for _, sent := range spec.Reachable(bodyOf(op.Object).schema, f.schemas()) {
				full := name + "." + strings.TrimPrefix(sent, name+".")
				if f.roles[sent] == response && len(spec.At(f.schemas(), sent, "properties")) > 0 && !slices.Contains(out, full) {
					out = append(out, full)
				}
			}
		}
	}
	return out, nil
}
