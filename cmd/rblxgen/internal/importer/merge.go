package importer

import (
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// keepOld carries over what users may have in their code and the document no
// longer has, marked as deprecated, and returns a warning for each.
func keepOld(out, before spec.Object, o Options) []string {
	m := merger{
		schemas: spec.At(out, "components", "schemas"), old: spec.At(before, "components", "schemas"),
		reason: "not in the document of " + o.Date, prune: o.Prune,
	}
	paths := spec.At(out, "paths")
	for _, op := range spec.Operations(before) {
		now := spec.At(paths, op.Path, strings.ToLower(op.Verb))
		if now != nil {
			m.parameters(op.Key(), now, op.Object)
			continue
		}
		if kept := m.keep(op.Key(), op.Object); kept != nil {
			put(paths, op, kept)
		}
	}
	for _, name := range spec.Keys(m.old) {
		if now := spec.At(m.schemas, name); now != nil {
			m.fields(name, now, spec.At(m.old, name))
		}
	}
	return m.warnings
}

// merger keeps things of an older description.
type merger struct {
	schemas, old spec.Object // by name, of the new description and the old
	reason       string
	prune        bool
	warnings     []string
}

// keep returns a copy of the thing marked as deprecated, after the schemas it
// needs, or nil if it is to go.
func (m *merger) keep(what string, thing spec.Object) spec.Object {
	if m.prune {
		m.warnings = append(m.warnings, what+" is gone")
		return nil
	}
	m.warnings = append(m.warnings, what+" is not in the document any more and stays, deprecated")
	for _, name := range spec.Reachable(thing, m.old) {
		if _, has := m.schemas[name]; !has {
			m.schemas[name] = spec.Clone(m.old[name])
		}
	}
	kept := spec.Clone(thing)
	if ref, ok := kept["$ref"]; ok { // beside which OpenAPI 3.0 allows nothing
		kept = spec.Object{"allOf": []any{spec.Object{"$ref": ref}}}
	}
	if !spec.Flag(kept, "deprecated") {
		kept["deprecated"] = true
		kept["x-deprecated-reason"] = m.reason
	}
	return kept
}

// parameters keeps query parameters. Roblox ignores those it does not know.
func (m *merger) parameters(key string, now, before spec.Object) {
	params := spec.List(now, "parameters")
	for _, e := range spec.List(before, "parameters") {
		old, _ := e.(spec.Object)
		same := func(e any) bool {
			p, _ := e.(spec.Object)
			return p["name"] == old["name"] && p["in"] == old["in"]
		}
		if spec.Text(old, "in") != "query" || slices.ContainsFunc(params, same) {
			continue
		}
		if kept := m.keep(key+"?"+spec.Text(old, "name"), old); kept != nil {
			delete(kept, "required")
			params = append(params, kept)
		}
	}
	if len(params) > 0 {
		now["parameters"] = params
	}
}

// fields keeps properties and enum values.
func (m *merger) fields(name string, now, before spec.Object) {
	props, old := spec.At(now, "properties"), spec.At(before, "properties")
	for _, p := range spec.Keys(old) {
		if _, has := props[p]; has || props == nil {
			continue
		}
		if kept := m.keep(name+"."+p, spec.At(old, p)); kept != nil {
			props[p] = kept
			order := spec.List(now, "x-rblx-order")
			now["x-rblx-order"] = append(order, p)
		}
	}
	values := spec.List(now, "enum")
	for _, v := range spec.List(before, "enum") {
		if len(values) > 0 && !slices.Contains(values, v) && !m.prune {
			values = append(values, v)
		}
	}
	if len(values) > 0 {
		now["enum"] = values
	}
}
