package generator

import (
	"slices"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// role says how a type travels, which decides what its fields look like.
type role int

const (
	response role = iota // values
	request              // pointers where zero means something
	update               // pointers for all scalars: what is set is changed
)

// assignRoles gives every schema its role. A schema that travels both ways
// gets a second type for the way out, named after the verb that sends it.
func (f *family) assignRoles() {
	answers := map[string]bool{}
	for _, op := range spec.Operations(f.doc) {
		for _, name := range spec.Reachable(withoutWriteOnly(op.Object["responses"]), f.readable()) {
			answers[name] = true
		}
	}
	for _, op := range spec.Operations(f.doc) {
		body := bodyOf(op.Object)
		target := holder(body.schema)
		if target["$ref"] == nil {
			continue
		}
		r, suffix := request, "Create"
		if op.Verb == "PATCH" {
			r, suffix = update, "Update"
		}
		target["$ref"] = spec.RefPrefix + f.outgoing(spec.Refs(target)[0], r, suffix, answers)
	}
	for _, name := range spec.Keys(f.schemas()) {
		if _, ok := f.roles[name]; !ok {
			f.roles[name] = response
		}
	}
	for name, r := range f.roles {
		if schema := spec.At(f.schemas(), name); r == response && schema != nil {
			f.schemas()[name] = withoutWriteOnly(schema)
		}
	}
	for f.dropEmpty() {
		continue // a type whose only field was of an empty type is empty too
	}
	f.dropUnused()
}

// dropEmpty removes a type without fields, and all that refers to it. It
// reports whether there was one.
func (f *family) dropEmpty() bool {
	for _, name := range spec.Keys(f.schemas()) {
		schema := spec.At(f.schemas(), name)
		if spec.Text(schema, "type") != "object" || len(spec.At(schema, "properties")) > 0 || schema["additionalProperties"] != nil {
			continue
		}
		delete(f.schemas(), name)
		only := []string{name}
		for _, other := range spec.Keys(f.schemas()) {
			props := spec.At(f.schemas(), other, "properties")
			for _, p := range spec.Keys(props) {
				if slices.Equal(spec.Refs(props[p]), only) {
					delete(props, p)
				}
			}
		}
		for _, op := range spec.Operations(f.doc) {
			if body := bodyOf(op.Object).schema; body["$ref"] != nil && slices.Equal(spec.Refs(body), only) {
				clear(body)
				body["type"] = "object"
			}
			responses := spec.At(op.Object, "responses")
			for _, status := range spec.Keys(responses) {
				if slices.Equal(spec.Refs(responses[status]), only) {
					delete(spec.At(responses, status), "content")
				}
			}
		}
		return true
	}
	return false
}

// outgoing returns the name of the type that carries the schema in a request,
// making it if the schema also travels the other way and would look different.
func (f *family) outgoing(name string, r role, suffix string, answers map[string]bool) string {
	schema := spec.At(f.schemas(), name)
	target := name
	if answers[name] {
		if r == request && (spec.Flag(schema, "x-rblx-one-type") || !f.differs(name, map[string]bool{})) {
			return name
		}
		target = name + suffix
		if spec.At(f.schemas(), target) != nil {
			return target
		}
		schema = spec.Clone(schema)
		f.schemas()[target] = schema
		schema["x-rblx-sent-as"] = name
	}
	if _, done := f.roles[target]; done {
		return target
	}
	f.roles[target] = r
	props := spec.At(schema, "properties")
	for _, p := range spec.Keys(props) {
		if spec.Flag(spec.At(props, p), "readOnly") || spec.Flag(spec.At(props, p), "x-immutable") && r == update {
			delete(props, p)
		}
	}
	inner := request
	if spec.Flag(schema, "x-rblx-parts") {
		inner = r // the part in JSON is what would be the body elsewhere
	}
	spec.Visit(schema["properties"], func(o spec.Object) {
		for _, nested := range spec.Refs(spec.Object{"$ref": o["$ref"]}) {
			if len(spec.At(f.schemas(), nested, "properties")) > 0 {
				o["$ref"] = spec.RefPrefix + f.outgoing(nested, inner, suffix, answers)
			}
		}
	})
	return target
}

// differs reports whether a request type made of the schema would look other
// than the response type: it has a read-only field, or one whose zero value
// means something.
func (f *family) differs(name string, seen map[string]bool) bool {
	if seen[name] {
		return false
	}
	seen[name] = true
	props := spec.At(f.schemas(), name, "properties")
	for _, p := range spec.Keys(props) {
		prop := spec.At(props, p)
		if spec.Flag(prop, "readOnly") || spec.Flag(prop, "writeOnly") || f.zeroMeans(prop) {
			return true
		}
		if slices.ContainsFunc(spec.Refs(prop), func(n string) bool { return f.differs(n, seen) }) {
			return true
		}
	}
	return false
}

// zeroMeans reports whether the property's zero value is worth sending.
func (f *family) zeroMeans(prop spec.Object) bool {
	if name := spec.Refs(spec.Object{"$ref": prop["$ref"]}); len(name) == 1 {
		prop = spec.At(f.schemas(), name[0]) // a named number
	}
	return slices.Contains([]string{"boolean", "integer", "number"}, spec.Text(prop, "type"))
}

// readable returns the schemas without what only travels in requests.
func (f *family) readable() spec.Object {
	out, _ := withoutWriteOnly(f.schemas()).(spec.Object)
	return out
}

// withoutWriteOnly copies the tree without write-only properties.
func withoutWriteOnly(tree any) any {
	tree = spec.Clone(tree)
	spec.Visit(tree, func(o spec.Object) {
		props := spec.At(o, "properties")
		for _, p := range spec.Keys(props) {
			if spec.Flag(spec.At(props, p), "writeOnly") {
				delete(props, p)
			}
		}
	})
	return tree
}

// dropUnused removes schemas that nothing refers to any more.
func (f *family) dropUnused() {
	if f.oauth {
		return // package oauth uses them all
	}
	needed := spec.Reachable(f.doc["paths"], f.schemas())
	for _, name := range spec.Keys(f.schemas()) {
		if !slices.Contains(needed, name) {
			delete(f.schemas(), name)
		}
	}
}
