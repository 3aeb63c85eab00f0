package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// downgrade writes what OpenAPI 3.1 takes from JSON Schema in the words of 3.0:
// a type is one, null is none of them, a constant is an enum of one, binary is a
// format, and a schema is never just true. It finds nothing in a document of 3.0.
func downgrade(doc spec.Object) (n int) {
	if !strings.HasPrefix(spec.Text(doc, "openapi"), "3.1") {
		return 0
	}
	doc["openapi"] = "3.0.4"
	for _, k := range []string{"webhooks", "jsonSchemaDialect"} {
		delete(doc, k)
	}
	spec.Visit(spec.Object{"paths": doc["paths"], "components": doc["components"]}, func(o spec.Object) {
		before := fmt.Sprint(o["type"], o["const"], o["contentEncoding"])
		oneType(o)
		if c, has := o["const"]; has && o["enum"] == nil {
			if _, isSchema := c.(spec.Object); !isSchema { // a property may be called const
				o["enum"] = []any{c}
				delete(o, "const")
			}
		}
		dropNull(o)
		contents(o)
		for _, k := range []string{
			"$defs", "$schema", "$id", "$anchor", "$comment", "if", "then", "else", "not", "dependentSchemas", "dependentRequired", "prefixItems", "contains",
			"minContains", "maxContains", "patternProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema", "exclusiveMinimum", "exclusiveMaximum",
		} {
			delete(schemaOnly(o), k)
		}
		for _, k := range []string{"items", "additionalProperties"} {
			if is, ok := o[k].(bool); ok && (k == "items" || is) {
				o[k] = spec.Object{}
			}
		}
		props := spec.At(o, "properties")
		for _, p := range spec.Keys(props) {
			if _, ok := props[p].(bool); ok {
				props[p] = spec.Object{}
			}
		}
		if before != fmt.Sprint(o["type"], o["const"], o["contentEncoding"]) {
			n++
		}
	})
	return n
}

// oneType makes a list of types one: null goes, and several are any JSON.
func oneType(o spec.Object) {
	list, ok := o["type"].([]any)
	if !ok {
		return
	}
	list = slices.DeleteFunc(slices.Clone(list), func(e any) bool { return e == "null" })
	delete(o, "type")
	if len(list) == 1 {
		o["type"] = list[0]
	}
}

// schemaOnly returns o if it is a schema for sure, and nil if it may be a
// mapping of names, among which a keyword is a name.
func schemaOnly(o spec.Object) spec.Object {
	_, typed := o["type"].(string)
	_, refers := o["$ref"].(string)
	if typed || refers {
		return o
	}
	return nil
}

// dropNull removes null from what a schema may be, and what is then a choice of
// one becomes that.
func dropNull(o spec.Object) {
	if values, ok := o["enum"].([]any); ok {
		o["enum"] = slices.DeleteFunc(slices.Clone(values), func(e any) bool { return e == nil })
	}
	for _, k := range []string{"oneOf", "anyOf"} {
		all, ok := o[k].([]any)
		if !ok {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(all), func(e any) bool {
			s, _ := e.(spec.Object)
			return s["type"] == "null"
		})
		if len(rest) == len(all) {
			continue
		}
		o[k] = rest
		if len(rest) == 1 {
			delete(o, k)
			o["allOf"] = rest
		}
	}
}

// contents makes contentEncoding and contentMediaType a format.
func contents(o spec.Object) {
	if spec.Text(o, "type") != "string" {
		return
	}
	switch {
	case spec.Text(o, "contentEncoding") == "base64":
		o["format"] = "byte"
	case spec.Text(o, "contentMediaType") == "application/octet-stream":
		o["format"] = "binary"
	}
	delete(o, "contentEncoding")
	delete(o, "contentMediaType")
}
