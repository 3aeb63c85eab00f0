package importer

import (
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// stripPathSuffix removes "#..." from paths. Of two operations with the same
// verb whose paths are then one, the one without a suffix stays.
func stripPathSuffix(doc spec.Object) (n int) {
	paths := spec.At(doc, "paths")
	for _, p := range spec.Keys(paths) {
		clean, _, found := strings.Cut(p, "#")
		if !found {
			continue
		}
		n++
		item := spec.At(paths, p)
		delete(paths, p)
		into, taken := paths[clean].(spec.Object)
		if !taken {
			paths[clean] = item
			continue
		}
		for _, verb := range spec.Keys(item) {
			if _, has := into[verb]; !has {
				into[verb] = item[verb]
			}
		}
	}
	return n
}

// declarePathParameters makes the declared path parameters those that the path
// has: one of another case is the same, one that is not in the path is a query
// parameter, one that is missing is text. All are text, as ids are in every
// family.
func declarePathParameters(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		used := generator.PathParams(op.Path)
		var declared []string
		for _, p := range parameters(op.Object, "path") {
			name := spec.Text(p, "name")
			if i := slices.IndexFunc(used, func(u string) bool { return strings.EqualFold(u, name) }); i < 0 {
				p["in"], p["required"] = "query", false
				n++
				continue
			} else if used[i] != name {
				p["name"] = used[i]
				n++
			}
			p["required"], p["schema"] = true, spec.Object{"type": "string"}
			declared = append(declared, spec.Text(p, "name"))
		}
		for _, name := range used {
			if !slices.Contains(declared, name) {
				declared = append(declared, name)
				list := spec.List(op.Object, "parameters")
				op.Object["parameters"] = append(list, spec.Object{"name": name, "in": "path", "required": true, "schema": spec.Object{"type": "string"}})
				n++
			}
		}
	}
	return n
}

// textIDs makes ids in queries text. Roblox declares some of them as numbers, and
// some both ways.
func textIDs(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		for _, p := range parameters(op.Object, "query") {
			schema := spec.At(p, "schema")
			if spec.Text(schema, "type") == "array" {
				schema = spec.At(schema, "items")
			}
			name := strings.TrimSuffix(spec.Text(p, "name"), "s")
			if spec.Text(schema, "type") == "integer" && (strings.HasSuffix(name, "Id") || name == "id") {
				clear(schema)
				schema["type"] = "string"
				n++
			}
		}
	}
	return n
}

// dropHeaders removes header parameters that the runtime sees to: credentials,
// and what net/http negotiates, whose gzip a caller's Accept-Encoding turns off.
func dropHeaders(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		list := spec.List(op.Object, "parameters")
		kept := slices.DeleteFunc(list, func(e any) bool {
			p, _ := e.(spec.Object)
			name := strings.ToLower(spec.Text(p, "name"))
			return spec.Text(p, "in") == "cookie" || spec.Text(p, "in") == "header" &&
				slices.Contains([]string{"accept", "accept-encoding", "content-type", "authorization", "x-api-key", "roblox-api-key"}, name)
		})
		n += len(list) - len(kept)
		if len(kept) < len(list) {
			op.Object["parameters"] = kept
		}
	}
	return n
}

// parameters lists the operation's parameters of a kind: path, query, header.
func parameters(op spec.Object, in string) (out []spec.Object) {
	for _, e := range spec.List(op, "parameters") {
		if p, _ := e.(spec.Object); spec.Text(p, "in") == in {
			out = append(out, p)
		}
	}
	return out
}
