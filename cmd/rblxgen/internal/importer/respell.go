package importer

import (
	"slices"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// What is spelled in another way than before, userID for userId, and has the
// same name in Go, is the same thing. It keeps the name that it is corrected and
// pinned by, and x-rblx-wire is the one that it has on the wire.

// respellProperties does so for the properties of a schema.
func respellProperties(schema, before spec.Object) {
	props, old := spec.At(schema, "properties"), spec.At(before, "properties")
	for _, p := range spec.Keys(old) {
		i := slices.IndexFunc(spec.Keys(props), func(q string) bool {
			return old[q] == nil && generator.GoName(q) == generator.GoName(p)
		})
		if props[p] != nil || i < 0 {
			continue
		}
		q := spec.Keys(props)[i]
		prop := spec.At(props, q)
		if ref := spec.Text(prop, "$ref"); ref != "" {
			clear(prop)
			pointTo(prop, ref, spec.Object{"x-rblx-wire": q})
		}
		prop["x-rblx-wire"] = q
		delete(props, q)
		props[p] = prop
		for _, list := range []string{"required", "x-rblx-order"} {
			if at := slices.Index(spec.Strings(schema, list), q); at >= 0 {
				spec.List(schema, list)[at] = p
			}
		}
	}
}

// respellParameters does so for those of an operation that are not in its path.
func respellParameters(now, before []any) {
	for _, e := range before {
		old, _ := e.(spec.Object)
		if spec.Text(old, "in") == "path" || parameter(now, old) != nil {
			continue
		}
		for _, e := range now {
			p, _ := e.(spec.Object)
			if name := spec.Text(p, "name"); p["in"] == old["in"] && generator.GoName(name) == generator.GoName(spec.Text(old, "name")) && parameter(before, p) == nil {
				p["name"], p["x-rblx-wire"] = old["name"], name
				break
			}
		}
	}
}
