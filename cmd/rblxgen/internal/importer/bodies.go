package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// inlineShared writes shared parameters, bodies, answers and headers where they
// are used, those of a path into its operations, and the document's security
// and servers where an operation has none of its own. Schemas stay shared.
func inlineShared(doc spec.Object) (n int) {
	components := spec.At(doc, "components")
	for _, path := range spec.Keys(spec.At(doc, "paths")) {
		item := spec.At(doc, "paths", path)
		for _, verb := range spec.Verbs() {
			op := spec.At(item, verb)
			if op == nil {
				continue
			}
			for _, e := range spec.List(item, "parameters") {
				if p, _ := e.(spec.Object); p != nil && parameter(spec.List(op, "parameters"), p) == nil {
					op["parameters"] = append(spec.List(op, "parameters"), spec.Clone(p))
					n++
				}
			}
			if _, has := op["servers"]; !has && item["servers"] != nil {
				op["servers"] = spec.Clone(item["servers"])
			}
		}
		delete(item, "parameters")
		delete(item, "servers")
	}
	var inline func(v any, place string)
	inline = func(v any, place string) {
		switch v := v.(type) {
		case spec.Object:
			for ref, ok := refOf(v, place); ok && !isSchemaRef(ref); ref, ok = refOf(v, place) {
				target := spec.Clone(resolve(doc, ref))
				clear(v)
				maps.Copy(v, target)
				n++
			}
			for _, k := range spec.Keys(v) {
				if !isData(place, k) {
					inline(v[k], place+"/"+k)
				}
			}
		case []any:
			for _, e := range v {
				inline(e, place)
			}
		}
	}
	inline(doc, "")
	for _, kind := range spec.Keys(components) {
		if kind != "schemas" && kind != "securitySchemes" {
			delete(components, kind)
		}
	}
	return n
}

// foldJSON keeps application/json of the JSON types, which describe the same
// schema wherever there are several.
func foldJSON(doc spec.Object) (n int) {
	spec.Visit(doc["paths"], func(o spec.Object) {
		content := spec.At(o, "content")
		for _, t := range spec.Keys(content) {
			base, _, _ := strings.Cut(t, ";")
			if t == "application/json" || !strings.HasSuffix(strings.TrimSpace(base), "json") {
				continue
			}
			if _, has := content["application/json"]; !has {
				content["application/json"] = content[t]
			}
			delete(content, t)
			n++
		}
	})
	return n
}

// dropErrors keeps the answers of success. Where the document has none, that is
// the default one, or one without a body.
func dropErrors(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		responses := spec.At(op.Object, "responses")
		if !slices.ContainsFunc(spec.Keys(responses), func(status string) bool { return strings.HasPrefix(status, "2") }) {
			responses["200"] = spec.Object{}
			if answer, has := responses["default"]; has && len(responses) == 2 {
				responses["200"] = answer
			}
		}
		for _, status := range spec.Keys(responses) {
			if !strings.HasPrefix(status, "2") {
				delete(responses, status)
				n++
			}
		}
	}
	return n
}

// publishBody describes what the place publishing operation takes, a place
// file, and that the text that it answers is JSON.
func publishBody(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		if op.Verb != "POST" || !strings.HasPrefix(op.Path, "/universes/v1/") || !strings.HasSuffix(op.Path, "/versions") || op.Object["requestBody"] != nil {
			continue
		}
		file := func() spec.Object {
			return spec.Object{"schema": spec.Object{"type": "string", "format": "binary"}}
		}
		op.Object["requestBody"] = spec.Object{"required": true, "content": spec.Object{"application/octet-stream": file(), "application/xml": file()}}
		if ok := spec.At(op.Object, "responses", "200"); spec.At(ok, "content", "text/plain") != nil {
			ok["content"] = spec.Object{"application/json": spec.Object{"schema": spec.Object{
				"type": "object", "properties": spec.Object{"versionNumber": spec.Object{"type": "integer", "format": "int64"}},
			}}}
		}
		n++
	}
	return n
}

// entryValue makes the value of an entry, which stands alone in bodies of
// datastores/v1, any JSON.
func entryValue(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		if !strings.HasPrefix(op.Path, "/datastores/v1/") || !strings.Contains(op.Path, "/entries/entry") {
			continue
		}
		bodies := []spec.Object{spec.At(op.Object, "requestBody")}
		for _, status := range spec.Keys(spec.At(op.Object, "responses")) {
			bodies = append(bodies, spec.At(op.Object, "responses", status))
		}
		for _, body := range bodies {
			schema := spec.At(body, "content", "application/json", "schema")
			if kind := spec.Text(schema, "type"); kind == "string" || kind == "object" && len(spec.At(schema, "properties")) == 0 {
				clear(schema)
				n++
			}
		}
	}
	return n
}

// versionList makes the answer to a request for all versions of an entry what
// it is on the wire: a page of versions, not one.
func versionList(doc spec.Object) (n int) {
	op := spec.At(doc, "paths", "/datastores/v1/universes/{universeId}/standard-datastores/datastore/entries/entry/versions", "get")
	content := spec.At(op, "responses", "200", "content", "application/json")
	schema := spec.At(content, "schema")
	name, shared := strings.CutPrefix(spec.Text(schema, "$ref"), spec.RefPrefix)
	if !shared || spec.At(doc, "components", "schemas", name, "properties", "versions") != nil {
		return 0
	}
	content["schema"] = spec.Object{
		"type": "object", "x-rblx-order": []any{"versions", "nextPageCursor"},
		"properties": spec.Object{
			"versions":       spec.Object{"type": "array", "items": schema},
			"nextPageCursor": spec.Object{"type": "string"},
		},
	}
	return 1
}
