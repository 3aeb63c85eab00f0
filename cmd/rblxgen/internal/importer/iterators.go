package importer

import (
	"fmt"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// iterators pins the names of the methods that walk pages, which only the
// generator can tell: overlay.yaml and the Go types have a say in them.
func (n *names) iterators(out, overlay spec.Object) error {
	laid, err := lay(out, overlay)
	if err != nil {
		return err
	}
	iterators, err := generator.Iterators(laid)
	if err != nil {
		return err
	}
	for _, op := range spec.Operations(out) {
		name := iterators[op.Key()]
		pin := spec.At(n.section("operations"), op.Key())
		if name == "" || pin == nil {
			continue
		}
		if op.Object["x-rblx-iterator"] = name; pin["iterator"] != name {
			pin["iterator"] = name
			n.added = append(n.added, fmt.Sprintf("the pages of %s are now walked by %s", op.Key(), name))
		}
	}
	return nil
}
