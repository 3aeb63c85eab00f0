package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Options say how to import.
type Options struct {
	Date   string // of the document, for census.json and deprecations
	Prune  bool   // drop operations that the document no longer has
	Strict bool   // fail where a name would have to be derived
}

// Result is what an import produces.
type Result struct {
	Files    map[string][]byte // by path below the module's root
	Warnings []string
}

// Import reads a document and the files of the import before it below root.
// It writes nothing.
func Import(root string, source []byte, o Options) (*Result, error) {
	doc, err := parse(source)
	if err != nil {
		return nil, err
	}
	before, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		return nil, err
	}
	pins, err := spec.Read(filepath.Join(root, "openapi", "names.yaml"))
	if err != nil {
		return nil, err
	}
	census := newCensus(doc, source, o.Date)
	for _, p := range passes() {
		p.apply(doc)
	}
	n := &names{doc: pins}
	out, err := arrange(doc, n, census)
	if err != nil {
		return nil, err
	}
	if o.Strict && len(n.added) > 0 {
		return nil, fmt.Errorf("names.yaml has no name for %d things, the first: %s", len(n.added), n.added[0])
	}
	gone := keepOld(out, before, o)
	if err := validate(out); err != nil {
		return nil, err
	}
	r := &Result{Files: map[string][]byte{}, Warnings: append(n.added, gone...)}
	census.count(out)
	for _, f := range []struct {
		name, comment string
		content       any
	}{
		{"openapi/opencloud.yaml", "Written by rblxgen import; corrections go to overlay.yaml.\nRoblox's Open Cloud as this module generates it: names, types, scopes and limits, no prose.", out},
		{"openapi/names.yaml", "The names that users of the module know, by what Roblox's document calls things.\nrblxgen import adds to it. A name that stands here never changes.", pins},
	} {
		text, err := spec.Encode(f.comment, f.content)
		if err != nil {
			return nil, err
		}
		r.Files[f.name] = text
	}
	text, err := json.MarshalIndent(census, "", "  ")
	if err != nil {
		return nil, err
	}
	r.Files["openapi/census.json"] = append(text, '\n')
	return r, nil
}

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
		o := op.Object
		o["operationId"] = pin.Family + "." + pin.As
		o["tags"] = []any{pin.Family}
		if pin.As != pin.Method {
			o["x-rblx-method"] = pin.Method
		}
		if pin.Address != "" {
			o["x-rblx-address"] = pin.Address
		}
		if err := hoistParameters(schemas, pin, op, n); err != nil {
			return nil, err
		}
		needs := spec.Reachable(o, all)
		for _, name := range needs { // first all names, for they refer to each other
			if strings.HasPrefix(name, pin.Family+".") {
				continue
			}
			if _, err := n.schema(pin.Family, name); err != nil {
				return nil, err
			}
		}
		for _, name := range needs {
			if strings.HasPrefix(name, pin.Family+".") {
				continue
			}
			key := pin.Family + "." + spec.Text(n.section("types", pin.Family), name)
			if _, done := schemas[key]; done {
				continue
			}
			s := spec.Clone(spec.At(all, name))
			rename(s, pin.Family, n)
			n.fields(pin.Family, strings.TrimPrefix(key, pin.Family+"."), s)
			schemas[key] = s
			if err := hoist(schemas, pin.Family, name, s, n); err != nil {
				return nil, err
			}
		}
		rename(o, pin.Family, n)
		item, ok := paths[op.Path].(spec.Object)
		if !ok {
			item = spec.Object{}
			paths[op.Path] = item
		}
		item[strings.ToLower(op.Verb)] = o
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
func hoist(schemas spec.Object, family, source string, schema any, n *names) error {
	o, _ := schema.(spec.Object)
	props := spec.At(o, "properties")
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

// validate makes sure that what came out is an OpenAPI document.
func validate(doc spec.Object) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return err
	}
	return loaded.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation())
}

// keepOld carries over what the document no longer has, as deprecated, and
// returns a warning for each.
func keepOld(out, before spec.Object, o Options) []string {
	var warnings []string
	have, old := spec.At(out, "paths"), spec.At(before, "components", "schemas")
	schemas := spec.At(out, "components", "schemas")
	for _, op := range spec.Operations(before) {
		if spec.At(have, op.Path, strings.ToLower(op.Verb)) != nil {
			continue
		}
		if o.Prune {
			warnings = append(warnings, op.Key()+" is gone")
			continue
		}
		kept := spec.Clone(op.Object)
		if !spec.Flag(kept, "deprecated") {
			kept["deprecated"] = true
			kept["x-deprecated-reason"] = "not in the document of " + o.Date
		}
		item, ok := have[op.Path].(spec.Object)
		if !ok {
			item = spec.Object{}
			have[op.Path] = item
		}
		item[strings.ToLower(op.Verb)] = kept
		for _, name := range spec.Reachable(kept, old) {
			if _, has := schemas[name]; !has {
				schemas[name] = spec.Clone(old[name])
			}
		}
		warnings = append(warnings, op.Key()+" is not in the document any more and stays, deprecated")
	}
	return warnings
}
