package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

func unwrapAllOf(doc spec.Object) (n int) {
	spec.Visit(doc, func(o spec.Object) {
		for { // what was inside may be another one
			all := spec.List(o, "allOf")
			if len(all) != 1 || len(spec.At(o, "properties")) > 0 {
				return
			}
			inner, ok := all[0].(spec.Object)
			if !ok {
				return
			}
			delete(o, "allOf")
			maps.Copy(o, spec.Clone(inner))
			n++
		}
	})
	return n
}

// flattenAllOf writes the properties of the parents into their child, and makes
// an object of an allOf of several.
func flattenAllOf(doc spec.Object) (n int) {
	schemas := spec.At(doc, "components", "schemas")
	var flatten func(o spec.Object, depth int)
	flatten = func(o spec.Object, depth int) {
		all := spec.List(o, "allOf")
		if len(all) == 0 || depth > 20 {
			return
		}
		delete(o, "allOf")
		props, order := spec.Object{}, []any{}
		add := func(from spec.Object) {
			maps.Copy(props, spec.Clone(spec.At(from, "properties")))
			for _, p := range spec.List(from, "x-rblx-order") {
				if !slices.Contains(order, p) {
					order = append(order, p)
				}
			}
		}
		for _, e := range all {
			part, _ := e.(spec.Object)
			part = spec.Clone(part)
			if refs := spec.Refs(spec.Object{"$ref": part["$ref"]}); len(refs) == 1 {
				part = spec.Clone(spec.At(schemas, refs[0]))
			}
			flatten(part, depth+1)
			add(part)
		}
		add(o)
		o["type"], o["properties"], o["x-rblx-order"] = "object", props, order
		n++
	}
	spec.Visit(doc, func(o spec.Object) { flatten(o, 0) })
	return n
}

func dropAdditional(doc spec.Object) (n int) {
	spec.Visit(doc, func(o spec.Object) {
		switch v := o["additionalProperties"].(type) {
		case bool:
			delete(o, "additionalProperties")
			n++
		case spec.Object:
			if len(v) == 1 && spec.Flag(v, "nullable") {
				o["additionalProperties"] = spec.Object{}
				n++
			}
			if len(spec.At(o, "properties")) > 0 { // an object with names of its own is no map
				delete(o, "additionalProperties")
			}
		}
	})
	return n
}

func dropNullable(doc spec.Object) (n int) {
	spec.Visit(doc, func(o spec.Object) {
		if _, is := o["nullable"].(bool); is {
			delete(o, "nullable")
			n++
		}
	})
	return n
}

// dropFormats removes formats that describe no text on the wire.
func dropFormats(doc spec.Object) (n int) {
	spec.Visit(doc, func(o spec.Object) {
		if slices.Contains([]string{"enum", "field-mask", "date-span"}, spec.Text(o, "format")) {
			delete(o, "format")
			n++
		}
	})
	return n
}

// dropBinary removes the format binary outside of bodies that carry files.
func dropBinary(doc spec.Object) (n int) {
	files := map[string]bool{}
	for _, op := range spec.Operations(doc) {
		content := spec.At(op.Object, "requestBody", "content")
		for _, t := range spec.Keys(content) {
			if t != "application/json" {
				for _, name := range spec.Refs(content[t]) {
					files[name] = true
				}
			}
		}
	}
	schemas := spec.At(doc, "components", "schemas")
	for _, name := range spec.Keys(schemas) {
		if files[name] {
			continue
		}
		spec.Visit(schemas[name], func(o spec.Object) {
			if spec.Text(o, "format") == "binary" {
				delete(o, "format")
				n++
			}
		})
	}
	for _, op := range spec.Operations(doc) {
		spec.Visit(op.Object["responses"], func(o spec.Object) {
			if spec.Text(o, "format") == "binary" && spec.Text(o, "type") == "string" {
				delete(o, "format")
				n++
			}
		})
	}
	return n
}

func resourcePath(doc spec.Object) (n int) {
	spec.Visit(spec.At(doc, "components", "schemas"), func(o spec.Object) {
		if path := spec.At(o, "properties", "path"); path != nil && spec.Flag(o, "x-resource") {
			path["readOnly"] = true
			n++
		}
	})
	return n
}

func anyValue(doc spec.Object) (n int) {
	spec.Visit(doc, func(o spec.Object) {
		if name, ok := strings.CutPrefix(spec.Text(o, "$ref"), spec.RefPrefix); ok && baseName(name) == "GoogleProtobufValue" {
			delete(o, "$ref")
			n++
		}
	})
	return n
}

func refAlone(doc spec.Object) (n int) {
	spec.Visit(doc, func(o spec.Object) {
		ref, ok := o["$ref"].(string)
		if !ok || len(o) == 1 {
			return
		}
		direction := spec.Object{}
		for _, k := range []string{"readOnly", "writeOnly", "x-immutable"} {
			if v, has := o[k]; has {
				direction[k] = v
			}
		}
		clear(o)
		n++
		pointTo(o, ref, direction)
	})
	return n
}

// pointTo makes an empty schema a reference. Where it says in which direction
// it travels it becomes an allOf: beside a $ref OpenAPI 3.0 allows nothing.
func pointTo(o spec.Object, ref string, direction spec.Object) {
	if len(direction) == 0 {
		o["$ref"] = ref
		return
	}
	o["allOf"] = []any{spec.Object{"$ref": ref}}
	maps.Copy(o, direction)
}
