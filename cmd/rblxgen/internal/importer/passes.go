package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// pass is one named correction of the document.
type pass struct {
	name  string
	apply func(doc spec.Object)
}

// passes are applied in this order.
func passes() []pass {
	return []pass{
		{"path suffixes are a way around duplicate keys", stripPathSuffix},
		{"shared request bodies are written where they are used", inlineBodies},
		{"one JSON content type speaks for all", foldJSON},
		{"errors have one type for all operations", dropErrors},
		{"allOf around one schema is that schema", unwrapAllOf},
		{"additionalProperties say nothing where they are false or null", dropAdditional},
		{"formats that are none", dropFormats},
		{"the path of a resource is the server's", resourcePath},
		{"GoogleProtobufValue is any JSON", anyValue},
		{"scopes and limits without their prose", facts},
		{"prose", dropProse},
		{"a reference stands alone", refAlone},
	}
}

// stripPathSuffix removes "#..." from paths; a path that is then taken loses.
func stripPathSuffix(doc spec.Object) {
	paths := spec.At(doc, "paths")
	for _, p := range spec.Keys(paths) {
		clean, _, found := strings.Cut(p, "#")
		if !found {
			continue
		}
		if _, taken := paths[clean]; !taken {
			paths[clean] = paths[p]
		}
		delete(paths, p)
	}
}

func inlineBodies(doc spec.Object) {
	bodies := spec.At(doc, "components", "requestBodies")
	for _, op := range spec.Operations(doc) {
		ref := spec.Text(spec.At(op.Object, "requestBody"), "$ref")
		if name, ok := strings.CutPrefix(ref, "#/components/requestBodies/"); ok {
			op.Object["requestBody"] = spec.Clone(bodies[name])
		}
	}
	delete(spec.At(doc, "components"), "requestBodies")
}

// foldJSON keeps application/json of the JSON types, which describe the same
// schema wherever there are several.
func foldJSON(doc spec.Object) {
	spec.Visit(doc["paths"], func(o spec.Object) {
		content := spec.At(o, "content")
		for _, t := range spec.Keys(content) {
			if t == "application/json" || !strings.HasSuffix(t, "json") {
				continue
			}
			if _, has := content["application/json"]; !has {
				content["application/json"] = content[t]
			}
			delete(content, t)
		}
	})
}

func dropErrors(doc spec.Object) {
	for _, op := range spec.Operations(doc) {
		responses := spec.At(op.Object, "responses")
		for _, status := range spec.Keys(responses) {
			if !strings.HasPrefix(status, "2") {
				delete(responses, status)
			}
		}
	}
}

func unwrapAllOf(doc spec.Object) {
	spec.Visit(doc, func(o spec.Object) {
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
	})
}

func dropAdditional(doc spec.Object) {
	spec.Visit(doc, func(o spec.Object) {
		switch v := o["additionalProperties"].(type) {
		case bool:
			delete(o, "additionalProperties")
		case spec.Object:
			if len(v) == 1 && spec.Flag(v, "nullable") {
				o["additionalProperties"] = spec.Object{}
			}
		}
		delete(o, "nullable") // null and absent are the same to a client
	})
}

// dropFormats removes formats that describe no text on the wire: enum and
// field-mask, and binary outside of multipart bodies, where it is a mistake.
func dropFormats(doc spec.Object) {
	spec.Visit(spec.At(doc, "components", "schemas"), func(o spec.Object) {
		if spec.Text(o, "format") == "binary" {
			delete(o, "format")
		}
	})
	spec.Visit(doc, func(o spec.Object) {
		if slices.Contains([]string{"enum", "field-mask", "date-span"}, spec.Text(o, "format")) {
			delete(o, "format")
		}
	})
}

func resourcePath(doc spec.Object) {
	spec.Visit(spec.At(doc, "components", "schemas"), func(o spec.Object) {
		if path := spec.At(o, "properties", "path"); path != nil && spec.Flag(o, "x-resource") {
			path["readOnly"] = true
		}
	})
}

func anyValue(doc spec.Object) {
	spec.Visit(doc, func(o spec.Object) {
		if spec.Text(o, "$ref") == spec.RefPrefix+"GoogleProtobufValue" {
			delete(o, "$ref")
		}
	})
}

// facts keeps the names of scopes and the numbers of limits.
func facts(doc spec.Object) {
	for _, op := range spec.Operations(doc) {
		var scopes []any
		for _, e := range spec.List(op.Object, "x-roblox-scopes") {
			if o, ok := e.(spec.Object); ok && spec.Text(o, "name") != "" {
				scopes = append(scopes, spec.Text(o, "name"))
			}
		}
		delete(op.Object, "x-roblox-scopes")
		if len(scopes) > 0 {
			op.Object["x-roblox-scopes"] = scopes
		}
		delete(spec.At(op.Object, "x-roblox-rate-limits"), "description")
		var accepted []any
		for _, e := range spec.List(op.Object, "security") {
			if o, ok := e.(spec.Object); ok {
				for _, scheme := range []string{"roblox-api-key", "roblox-oauth2"} {
					if _, has := o[scheme]; has {
						accepted = append(accepted, spec.Object{scheme: []any{}})
					}
				}
			}
		}
		op.Object["security"] = accepted
		if servers := spec.List(op.Object, "servers"); len(servers) > 0 {
			o, _ := servers[0].(spec.Object)
			op.Object["x-rblx-host"] = spec.Text(o, "url")
			delete(op.Object, "servers")
		}
	}
}

// dropProse removes every sentence, and the extensions that nothing reads.
func dropProse(doc spec.Object) {
	keep := []string{
		"x-roblox-scopes", "x-roblox-rate-limits", "x-roblox-stability", "x-rblx-host", "x-rblx-order",
		"x-immutable", "x-enum-varnames", "x-long-running-operation-parameters",
	}
	var drop func(v any, named bool)
	drop = func(v any, named bool) {
		switch v := v.(type) {
		case spec.Object:
			for _, k := range spec.Keys(v) {
				prose := slices.Contains([]string{"description", "summary", "title", "externalDocs", "example", "examples", "tags"}, k)
				if !named && (prose || strings.HasPrefix(k, "x-") && !slices.Contains(keep, k)) {
					delete(v, k)
					continue
				}
				// Below these keys stand names that users chose, not keywords.
				drop(v[k], !named && slices.Contains([]string{"properties", "schemas", "paths", "responses", "content", "mapping", "securitySchemes"}, k))
			}
		case []any:
			for _, e := range v {
				drop(e, false)
			}
		}
	}
	drop(doc, false)
	// OpenAPI demands a description of every response.
	for _, op := range spec.Operations(doc) {
		responses := spec.At(op.Object, "responses")
		for _, status := range spec.Keys(responses) {
			spec.At(responses, status)["description"] = "Success."
		}
	}
}

func refAlone(doc spec.Object) {
	spec.Visit(doc, func(o spec.Object) {
		if ref, ok := o["$ref"].(string); ok {
			clear(o)
			o["$ref"] = ref
		}
	})
}
