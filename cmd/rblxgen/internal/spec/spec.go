// Package spec handles an OpenAPI document as a plain tree, so that parts of
// it can be cut out, renamed and merged before a typed reader sees it.
package spec

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Object is one mapping of the tree.
type Object = map[string]any

// RefPrefix starts every reference that this package follows.
const RefPrefix = "#/components/schemas/"

// Verbs are the methods an operation may have, in the order they are listed.
func Verbs() []string { return []string{"get", "post", "put", "patch", "delete"} }

// Read reads a YAML document. An absent file is an empty document.
func Read(file string) (Object, error) {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return Object{}, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return doc, nil
}

// Decode reads YAML, of which JSON is a part. Every schema learns the order in
// which its properties stand, as x-rblx-order, unless it says so itself.
func Decode(text []byte) (Object, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	doc := Object{}
	if err := root.Decode(&doc); err != nil {
		return nil, err
	}
	if len(root.Content) == 1 {
		recordOrder(root.Content[0], doc)
	}
	return doc, nil
}

// recordOrder walks the two views of one mapping or sequence side by side.
func recordOrder(n *yaml.Node, v any) {
	switch v := v.(type) {
	case Object:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			recordOrder(n.Content[i+1], v[key])
			if _, said := v["x-rblx-order"]; key == "properties" && Text(v, "type") == "object" && !said {
				var order []any
				for j := 0; j+1 < len(n.Content[i+1].Content); j += 2 {
					order = append(order, n.Content[i+1].Content[j].Value)
				}
				v["x-rblx-order"] = order
			}
		}
	case []any:
		for i, e := range v {
			recordOrder(n.Content[i], e)
		}
	}
}

// Encode renders a document as YAML with sorted keys after a comment.
func Encode(comment string, doc any) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("# " + strings.ReplaceAll(strings.TrimSpace(comment), "\n", "\n# ") + "\n")
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// At follows keys down from o and returns the mapping there, or nil.
func At(o Object, keys ...string) Object {
	for _, k := range keys {
		next, ok := o[k].(Object)
		if !ok {
			return nil
		}
		o = next
	}
	return o
}

// Text returns the string at key, or "".
func Text(o Object, key string) string {
	s, _ := o[key].(string)
	return s
}

// Flag returns the boolean at key.
func Flag(o Object, key string) bool {
	b, _ := o[key].(bool)
	return b
}

// List returns the sequence at key, or nil.
func List(o Object, key string) []any {
	l, _ := o[key].([]any)
	return l
}

// Strings returns the strings of the sequence at key.
func Strings(o Object, key string) []string {
	var out []string
	for _, v := range List(o, key) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Keys returns the sorted keys of o.
func Keys(o Object) []string { return slices.Sorted(maps.Keys(o)) }

// Clone copies a tree.
func Clone[T any](v T) T {
	out, _ := clone(v).(T) // nil is of no type
	return out
}

func clone(v any) any {
	switch v := v.(type) {
	case Object:
		out := make(Object, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

// Visit calls f for every mapping of the tree, parents before children.
func Visit(v any, f func(Object)) {
	switch v := v.(type) {
	case Object:
		f(v)
		for _, k := range Keys(v) {
			Visit(v[k], f)
		}
	case []any:
		for _, e := range v {
			Visit(e, f)
		}
	}
}

// Refs returns the names of the schemas that the tree refers to, sorted.
func Refs(v any) []string {
	seen := map[string]bool{}
	Visit(v, func(o Object) {
		if name, ok := strings.CutPrefix(Text(o, "$ref"), RefPrefix); ok {
			seen[name] = true
		}
	})
	return slices.Sorted(maps.Keys(seen))
}

// Reachable returns the names of all schemas that the tree needs, directly or
// through other schemas, sorted.
func Reachable(v any, schemas Object) []string {
	seen := map[string]bool{}
	todo := Refs(v)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		todo = append(todo, Refs(schemas[name])...)
	}
	return slices.Sorted(maps.Keys(seen))
}

// Rename rewrites every schema reference of the tree in place.
func Rename(v any, name func(string) string) {
	Visit(v, func(o Object) {
		if old, ok := strings.CutPrefix(Text(o, "$ref"), RefPrefix); ok {
			o["$ref"] = RefPrefix + name(old)
		}
	})
}

// Merge lays over on top of base in place: mappings merge, null deletes, and
// everything else replaces. At depth 0 to strict-1 a key that base lacks is an
// error, because the thing it means to correct is gone.
func Merge(base, over Object, strict int, place string) error {
	for _, k := range Keys(over) {
		v, here := over[k], place+"/"+k
		sub, isObject := v.(Object)
		old, had := base[k]
		switch {
		case !had && strict > 0 && !strings.HasPrefix(k, "x-"):
			return fmt.Errorf("%s: not in the description", here)
		case v == nil:
			delete(base, k)
		case strings.HasPrefix(k, "x-") && isObject && had:
			into, ok := old.(Object)
			if !ok {
				return fmt.Errorf("%s: a mapping over something else", here)
			}
			if err := Merge(into, sub, 0, here); err != nil { // an extension corrects nothing
				return err
			}
		case isObject && had:
			into, ok := old.(Object)
			if !ok {
				return fmt.Errorf("%s: a mapping over something else", here)
			}
			if err := Merge(into, sub, strict-1, here); err != nil {
				return err
			}
		default:
			base[k] = clone(v)
		}
	}
	return nil
}

// Operation is one operation of a document.
type Operation struct {
	Verb, Path string // GET, /cloud/v2/users/{user_id}
	Object     Object
}

// Key names the operation as names.yaml and census.json do.
func (o Operation) Key() string { return o.Verb + " " + o.Path }

// Operations lists the document's operations by path, then verb.
func Operations(doc Object) []Operation {
	var out []Operation
	paths := At(doc, "paths")
	for _, path := range Keys(paths) {
		for _, verb := range Verbs() {
			if op := At(paths, path, verb); op != nil {
				out = append(out, Operation{Verb: strings.ToUpper(verb), Path: path, Object: op})
			}
		}
	}
	return out
}
