package importer

import (
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// arrangement builds the description: operations and the schemas they need,
// under their pinned names.
type arrangement struct {
	names   *names
	source  spec.Object // the document's schemas
	paths   spec.Object
	schemas spec.Object // by family.Type
}

// arrange files every operation of the document. Two that are one on the wire,
// because their paths differ in the names of parameters alone, become one.
func arrange(doc spec.Object, n *names, census *Census) spec.Object {
	a := &arrangement{names: n, source: spec.At(doc, "components", "schemas"), paths: spec.Object{}, schemas: spec.Object{}}
	spelling := n.spellings(spec.At(doc, "paths"))
	operations := spec.Operations(doc)
	slices.SortStableFunc(operations, func(x, y spec.Operation) int { // those that keep their path come first
		switch xs, ys := spelling[x.Path] == x.Path, spelling[y.Path] == y.Path; {
		case xs && !ys:
			return -1
		case ys && !xs:
			return 1
		}
		return 0
	})
	for _, op := range operations {
		key := op.Key()
		respell(&op, spelling[op.Path])
		if spec.At(a.paths, op.Path, strings.ToLower(op.Verb)) != nil {
			census.Twins[key] = op.Key()
			continue
		}
		a.add(op)
	}
	return spec.Object{
		"openapi": "3.0.4",
		"info":    spec.Object{"title": "Roblox Open Cloud", "version": census.Document.Date},
		"servers": []any{spec.Object{"url": "https://apis.roblox.com"}},
		"paths":   a.paths,
		"components": spec.Object{
			"schemas": a.schemas,
			"securitySchemes": spec.Object{
				"roblox-api-key": spec.Object{"type": "apiKey", "in": "header", "name": "x-api-key"},
				"roblox-oauth2":  spec.Object{"type": "http", "scheme": "bearer"},
			},
		},
	}
}

// respell gives the operation another path of the same shape.
func respell(op *spec.Operation, path string) {
	from, to := generator.PathParams(op.Path), generator.PathParams(path)
	op.Path = path
	for _, p := range parameters(op.Object, "path") {
		if i := slices.Index(from, spec.Text(p, "name")); i >= 0 {
			p["name"] = to[i]
		}
	}
}

// add files one operation.
func (a *arrangement) add(op spec.Operation) {
	pin := a.names.operation(op)
	op.Object["operationId"] = pin.Family + "." + pin.As
	op.Object["tags"] = []any{pin.Family}
	if pin.As != pin.Method {
		op.Object["x-rblx-method"] = pin.Method
	}
	if pin.Address != "" {
		op.Object["x-rblx-address"] = pin.Address
	}
	if pin.Iterator != "" {
		op.Object["x-rblx-iterator"] = pin.Iterator
	}
	places := schemasOf(op)
	for _, place := range spec.Keys(places) {
		a.adopt(pin.Family, places[place], place)
	}
	a.rename(op.Object, pin.Family)
	a.hoistParameters(pin, op)
	a.hoistBodies(pin, op)
	put(a.paths, op, op.Object)
}

// put files an operation under its path and verb.
func put(paths spec.Object, op spec.Operation, object spec.Object) {
	item, ok := paths[op.Path].(spec.Object)
	if !ok {
		item = spec.Object{}
		paths[op.Path] = item
	}
	item[strings.ToLower(op.Verb)] = object
}

// schemasOf lists the schemas that an operation speaks of, by the place where
// each stands.
func schemasOf(op spec.Operation) spec.Object {
	out := spec.Object{}
	content := spec.At(op.Object, "requestBody", "content")
	for _, t := range spec.Keys(content) {
		out[op.Key()+" request"] = spec.At(content, t, "schema")
	}
	responses := spec.At(op.Object, "responses")
	for _, status := range spec.Keys(responses) {
		if schema := spec.At(responses, status, "content", "application/json", "schema"); schema != nil {
			place := op.Key() + " response"
			if out[place] != nil {
				place += " " + status
			}
			out[place] = schema
		}
	}
	for _, e := range spec.List(op.Object, "parameters") {
		p, _ := e.(spec.Object)
		out[op.Key()+"?"+spec.Text(p, "name")] = spec.At(p, "schema")
	}
	for _, k := range []string{"metadata", "response"} {
		if schema := spec.At(op.Object, "x-long-running-operation-parameters", k); schema != nil {
			out[op.Key()+" end "+k] = schema
		}
	}
	return out
}

// adopt takes what the schema refers to into the family, and what that needs in
// turn. Names come first, copies after: schemas refer to each other.
func (a *arrangement) adopt(family string, schema any, place string) {
	if o, _ := schema.(spec.Object); o["$ref"] == nil && len(spec.At(o, "properties")) > 0 { // it gets a name at this place
		if name := spec.Text(a.names.section("types", family), place); name != "" {
			place = name
		}
		props := spec.At(o, "properties")
		for _, p := range spec.Keys(props) {
			a.adopt(family, props[p], place+"."+p)
		}
		return
	}
	refs := spec.Refs(schema)
	for _, ref := range refs {
		at := place
		if len(refs) > 1 {
			at = place + " " + ref
		}
		goName := a.names.schema(family, ref, at)
		key := family + "." + goName
		if a.schemas[key] != nil {
			continue
		}
		s := spec.Clone(spec.At(a.source, ref))
		a.schemas[key] = s
		respellProperties(s, spec.At(a.names.before, key))
		rest := spec.Clone(s)
		props := spec.At(rest, "properties")
		delete(rest, "properties")
		for _, p := range spec.Keys(props) {
			a.adopt(family, props[p], goName+"."+p)
		}
		a.adopt(family, rest, goName)
		a.rename(s, family)
		a.names.fields(family, goName, s)
		a.hoist(family, goName, s)
	}
}

// rename points the tree's references to the family's schemas. All names that
// it meets are pinned already.
func (a *arrangement) rename(v any, family string) {
	spec.Rename(v, func(old string) string {
		if a.source[old] == nil { // renamed already
			return old
		}
		return family + "." + spec.Text(a.names.section("types", family), old)
	})
}
