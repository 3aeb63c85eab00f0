package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// arrange builds the description: placed operations and the schemas they need,
// under their pinned names.
func arrange(doc spec.Object, n *names, census *Census) (spec.Object, error) {
	all := spec.At(doc, "components", "schemas")
	paths, schemas := spec.Object{}, spec.Object{}
	for _, op := range spec.Operations(doc) {
		if !accepted(op) {
			continue
		}
		family, reason := place(op)
		if family == "" {
			census.leave(op, reason)
			continue
		}
		if err := checkPath(op); err != nil {
			return nil, err
		}
		pin := n.operation(op, family)
		pin.mark(op.Object)
		if err := adopt(schemas, all, spec.Reachable(op.Object, all), pin.Family, n); err != nil {
			return nil, err
		}
		rename(op.Object, pin.Family, n)
		if err := hoistParameters(schemas, pin, op, n); err != nil {
			return nil, err
		}
		if err := hoistBodies(schemas, pin, op, n); err != nil {
			return nil, err
		}
		put(paths, op, op.Object)
	}
	return spec.Object{
		"openapi": "3.0.4",
		"info":    spec.Object{"title": "Roblox Open Cloud", "version": census.Document.Date},
		"servers": []any{spec.Object{"url": "https://apis.roblox.com"}},
		"paths":   paths,
		"components": spec.Object{
			"schemas": schemas,
			"securitySchemes": spec.Object{
				"roblox-api-key": spec.Object{"type": "apiKey", "in": "header", "name": "x-api-key"},
				"roblox-oauth2":  spec.Object{"type": "http", "scheme": "bearer"},
			},
		},
	}, nil
}

// mark writes the naming into the operation.
func (o operation) mark(op spec.Object) {
	op["operationId"] = o.Family + "." + o.As
	op["tags"] = []any{o.Family}
	if o.As != o.Method {
		op["x-rblx-method"] = o.Method
	}
	if o.Address != "" {
		op["x-rblx-address"] = o.Address
	}
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

// adopt copies the named schemas of the document into the family.
func adopt(schemas, all spec.Object, needs []string, family string, n *names) error {
	goNames := map[string]string{}
	for _, name := range needs { // first all names, for they refer to each other
		goName, err := n.schema(family, name)
		if err != nil {
			return err
		}
		goNames[name] = goName
	}
	for _, name := range needs {
		key := family + "." + goNames[name]
		if _, done := schemas[key]; done {
			continue
		}
		s := spec.Clone(spec.At(all, name))
		rename(s, family, n)
		n.fields(family, goNames[name], s)
		schemas[key] = s
		if err := hoist(schemas, family, name, s, n); err != nil {
			return err
		}
	}
	return nil
}

// rename points the tree's references to the family's schemas. All names that
// it meets are pinned already.
func rename(v any, family string, n *names) {
	spec.Rename(v, func(old string) string {
		if strings.HasPrefix(old, family+".") {
			return old
		}
		return family + "." + spec.Text(n.section("types", family), old)
	})
}

// hoist gives enums and objects that stand inside the schema names of their
// own, so that every generated type has a pinned one.
func hoist(schemas spec.Object, family, source string, schema spec.Object, n *names) error {
	props := spec.At(schema, "properties")
	for _, p := range spec.Keys(props) {
		prop := spec.At(props, p)
		target := prop
		if spec.Text(prop, "type") == "array" && spec.At(prop, "items") != nil {
			target = spec.At(prop, "items")
		}
		if len(spec.List(target, "enum")) == 0 && len(spec.At(target, "properties")) == 0 {
			continue
		}
		name := source + "_" + p
		goName, err := n.schema(family, name)
		if err != nil {
			return err
		}
		inner := spec.Clone(target)
		direction := spec.Object{}
		for _, k := range []string{"readOnly", "writeOnly", "x-immutable"} {
			if v, has := inner[k]; has {
				direction[k] = v
				delete(inner, k)
			}
		}
		schemas[family+"."+goName] = inner
		clear(target)
		if len(direction) == 0 || spec.Text(prop, "type") == "array" {
			target["$ref"] = spec.RefPrefix + family + "." + goName
		} else { // beside a $ref OpenAPI 3.0 allows nothing
			target["allOf"] = []any{spec.Object{"$ref": spec.RefPrefix + family + "." + goName}}
			maps.Copy(target, direction)
		}
		if err := hoist(schemas, family, name, inner, n); err != nil {
			return err
		}
	}
	return nil
}

// hoistParameters gives the enums of query parameters names of their own.
func hoistParameters(schemas spec.Object, pin operation, op spec.Operation, n *names) error {
	for _, e := range spec.List(op.Object, "parameters") {
		p, _ := e.(spec.Object)
		schema := spec.At(p, "schema")
		if len(spec.List(schema, "enum")) == 0 {
			continue
		}
		goName, err := n.typeName(pin.Family, op.Key()+"?"+spec.Text(p, "name"), pin.As+generator.GoName(spec.Text(p, "name")))
		if err != nil {
			return err
		}
		key := pin.Family + "." + goName
		schemas[key] = schema
		p["schema"] = spec.Object{"$ref": spec.RefPrefix + key}
	}
	return nil
}

// hoistBodies gives inline request and response objects names of their own.
func hoistBodies(schemas spec.Object, pin operation, op spec.Operation, n *names) error {
	bodies := map[string]spec.Object{"Request": spec.At(op.Object, "requestBody")}
	responses := spec.At(op.Object, "responses")
	for _, status := range spec.Keys(responses) {
		bodies["Response"] = spec.At(responses, status)
	}
	for _, what := range []string{"Request", "Response"} {
		schema := spec.At(bodies[what], "content", "application/json", "schema")
		if len(spec.At(schema, "properties")) == 0 {
			continue
		}
		source := op.Key() + " " + strings.ToLower(what)
		goName, err := n.typeName(pin.Family, source, pin.As+what)
		if err != nil {
			return err
		}
		key := pin.Family + "." + goName
		inner := spec.Clone(schema)
		schemas[key] = inner
		clear(schema)
		schema["$ref"] = spec.RefPrefix + key
		if err := hoist(schemas, pin.Family, source, inner, n); err != nil {
			return err
		}
	}
	return nil
}

// checkPath makes sure that path and declared parameters agree.
func checkPath(op spec.Operation) error {
	var declared []string
	for _, e := range spec.List(op.Object, "parameters") {
		if o, ok := e.(spec.Object); ok && spec.Text(o, "in") == "path" {
			declared = append(declared, spec.Text(o, "name"))
			o["required"] = true
			o["schema"] = spec.Object{"type": "string"} // ids are strings in every family
		}
	}
	used := generator.PathParams(op.Path)
	for _, name := range used {
		if !slices.Contains(declared, name) {
			return fmt.Errorf("%s: the path parameter %s is not declared", op.Key(), name)
		}
	}
	if len(declared) != len(used) {
		return fmt.Errorf("%s: declares %d path parameters and has %d", op.Key(), len(declared), len(used))
	}
	return nil
}
