package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// family is one package to generate: the part of the description that it
// needs, with the names its users see.
type family struct {
	name  string
	doc   spec.Object // a whole OpenAPI document
	facts spec.Object // x-rblx-families/<name>: prose and address structs
	roles map[string]role
	oauth bool // the OAuth endpoints: plain numbers, forms for bodies

	whole       spec.Object               // the description that it was cut out of
	polls       map[string]spec.Operation // those of other families that ask for work of this one, by key
	headedTypes map[string]headedType     // answers with data in their headers
	walked      map[string]bool           // names that iterators have got
	constantOf  map[string]string         // the enum and value, by the names that constants have got
	view        *clientView               // once rendered
}

// newFamily cuts the family out of the description. There operations are
// called family.Method and schemas family.Type; here Method and Type.
func newFamily(whole spec.Object, name string) (*family, error) {
	f := &family{
		name: name, facts: spec.At(whole, "x-rblx-families", name), roles: map[string]role{},
		whole: whole, polls: map[string]spec.Operation{}, headedTypes: map[string]headedType{}, walked: map[string]bool{}, constantOf: map[string]string{},
	}
	paths, schemas := spec.Object{}, spec.Object{}
	for _, op := range spec.Operations(whole) {
		if !slices.Contains(spec.Strings(op.Object, "tags"), name) {
			continue
		}
		method, ok := strings.CutPrefix(spec.Text(op.Object, "operationId"), name+".")
		if !ok {
			return nil, fmt.Errorf("%s: operationId must start with %q", op.Key(), name+".")
		}
		cut := spec.Clone(op.Object)
		cut["operationId"] = method
		item, ok := paths[op.Path].(spec.Object)
		if !ok {
			item = spec.Object{}
			paths[op.Path] = item
		}
		item[strings.ToLower(op.Verb)] = cut
	}
	all := spec.At(whole, "components", "schemas")
	for _, schema := range spec.Reachable(paths, all) {
		goName, ok := strings.CutPrefix(schema, name+".")
		if !ok {
			return nil, fmt.Errorf("family %s uses the schema %s of another one", name, schema)
		}
		schemas[goName] = spec.Clone(all[schema])
	}
	f.doc = document(paths, schemas)
	spec.Rename(f.doc, func(s string) string { return strings.TrimPrefix(s, name+".") })
	f.normalize()
	f.assignRoles()
	return f, nil
}

// document wraps paths and schemas.
func document(paths, schemas spec.Object) spec.Object {
	return spec.Object{
		"openapi":    "3.0.4",
		"info":       spec.Object{"title": "cut", "version": "1"},
		"paths":      paths,
		"components": spec.Object{"schemas": schemas},
	}
}

// schemas returns the family's schemas by Go type name.
func (f *family) schemas() spec.Object { return spec.At(f.doc, "components", "schemas") }

// packageComment composes the package's doc comment.
func (f *family) packageComment() string {
	return "Package " + f.name + " " + spec.Text(f.facts, "description")
}
