package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// keepOld carries over what users may have in their code and the document no
// longer has, marked as deprecated, and keeps signatures and types as they
// were. It returns a warning for each.
func keepOld(out, before, laid, whole spec.Object, n *names, o Options) []string {
	m := merger{
		names: n, laid: laid, schemas: spec.At(out, "components", "schemas"), old: spec.At(before, "components", "schemas"),
		reason: "not in the document of " + o.Date, prune: o.Prune,
	}
	paths := spec.At(out, "paths")
	for _, op := range spec.Operations(before) {
		now := spec.At(paths, op.Path, strings.ToLower(op.Verb))
		if now != nil {
			m.signature(op.Key(), now, op.Object)
			continue
		}
		reason := m.reason
		if spec.At(whole, "paths", op.Path, strings.ToLower(op.Verb)) != nil {
			reason = "takes neither an API key nor OAuth in the document of " + o.Date
		}
		if kept := m.keep(op.Key(), op.Object, reason); kept != nil {
			put(paths, op, kept)
		}
	}
	for _, name := range spec.Keys(m.old) {
		switch now := spec.At(m.schemas, name); {
		case now != nil:
			m.schema(name, now, spec.At(m.old, name))
		case !o.Prune: // what corrections in overlay.yaml may be meant for
			m.take(name)
		}
	}
	return m.warnings
}

// merger keeps things of an older description.
type merger struct {
	names        *names
	laid         spec.Object // the old description under its corrections
	schemas, old spec.Object // by name, of the new description and the old
	reason       string
	prune        bool
	warnings     []string
}

func (m *merger) warn(format string, args ...any) {
	m.warnings = append(m.warnings, fmt.Sprintf(format, args...))
}

// take copies an old schema, and those that it needs, unless there is one of
// the name.
func (m *merger) take(name string) {
	for _, needed := range append([]string{name}, spec.Reachable(m.old[name], m.old)...) {
		if _, has := m.schemas[needed]; !has && m.old[needed] != nil {
			m.schemas[needed] = spec.Clone(m.old[needed])
		}
	}
}

// keep returns a copy of the thing marked as deprecated, after the schemas it
// needs, or nil if it is to go.
func (m *merger) keep(what string, thing spec.Object, reason string) spec.Object {
	if m.prune {
		m.warn("%s is gone", what)
		return nil
	}
	m.warn("%s is not in the document any more and stays, deprecated", what)
	for _, name := range spec.Refs(thing) {
		m.take(name)
	}
	kept := spec.Clone(thing)
	if ref := spec.Text(kept, "$ref"); ref != "" {
		kept = spec.Object{}
		pointTo(kept, ref, spec.Object{"deprecated": true})
	}
	if spec.Text(kept, "x-deprecated-reason") == "" {
		kept["deprecated"] = true
		kept["x-deprecated-reason"] = reason
	}
	return kept
}

// signature keeps what decides about the signature of an operation's method.
// Query parameters and headers stay; Roblox ignores those it does not know.
func (m *merger) signature(key string, now, before spec.Object) {
	m.bodies(key, now, before)
	params := spec.List(now, "parameters")
	respellParameters(params, spec.List(before, "parameters"))
	for _, e := range spec.List(before, "parameters") {
		old, _ := e.(spec.Object)
		if spec.Text(old, "in") == "path" {
			continue
		}
		what := key + "?" + spec.Text(old, "name")
		if p := parameter(params, old); p != nil {
			if required(p) != required(old) {
				m.warn("%s is required: %v in the document, and stays an argument as it was", what, required(p))
				p["required"] = required(old)
			}
			m.settle(what, spec.At(p, "schema"), spec.At(old, "schema"))
			continue
		}
		if kept := m.keep(what, old, m.reason); kept != nil {
			params = append(params, kept)
		}
	}
	verb, path, _ := strings.Cut(key, " ")
	params = m.withhold(key, params, spec.At(m.laid, "paths", path, strings.ToLower(verb)))
	for _, e := range params {
		if p, _ := e.(spec.Object); spec.Text(p, "in") != "path" && required(p) && parameter(spec.List(before, "parameters"), p) == nil {
			m.warn("%s?%s is new and required; calls without it fail, so set it in the parameters", key, spec.Text(p, "name"))
			p["required"] = false
		}
	}
	if len(params) > 0 {
		now["parameters"] = params
	}
}

// withhold leaves out new parameters of an operation whose method has no struct
// for them: it would get another signature. names.yaml remembers that; whoever
// takes a name from the list there decides that the signature changes.
func (m *merger) withhold(key string, params []any, before spec.Object) []any {
	pin := spec.At(m.names.section("operations"), key)
	for _, e := range spec.List(before, "parameters") {
		p, _ := e.(spec.Object)
		mask := spec.Text(p, "name") == "updateMask" && strings.HasPrefix(key, "PATCH ")
		if spec.Text(p, "in") != "path" && !required(p) && !mask && !slices.Contains(spec.Strings(before, "x-rblx-required"), spec.Text(p, "name")) {
			return params // it has one
		}
	}
	return slices.DeleteFunc(params, func(e any) bool {
		p, _ := e.(spec.Object)
		if spec.Text(p, "in") == "path" || parameter(spec.List(before, "parameters"), p) != nil {
			return false
		}
		if name := spec.Text(p, "name"); !slices.Contains(spec.Strings(pin, "without"), name) {
			pin["without"] = append(spec.List(pin, "without"), name)
			m.names.added = append(m.names.added, fmt.Sprintf("%s?%s is new, and left out: its method has no parameters", key, name))
		}
		return true
	})
}

// bodies keeps whether the method takes a body and returns a value, and with
// which status: corrections know the answer by that, and the client by none.
func (m *merger) bodies(key string, now, before spec.Object) {
	if is, was := onlySuccess(now), onlySuccess(before); is != was && is != "" && was != "" {
		responses := spec.At(now, "responses")
		responses[was] = responses[is]
		delete(responses, is)
	}
	switch {
	case now["requestBody"] == nil && before["requestBody"] != nil:
		m.warn("%s has no request body any more; its method still takes one", key)
		now["requestBody"] = m.copied(before["requestBody"])
	case now["requestBody"] != nil && before["requestBody"] == nil:
		m.warn("%s has a request body now; its method takes none, until the operation is taken out of opencloud.yaml", key)
		delete(now, "requestBody")
	}
	answers := func(op spec.Object) bool {
		responses := spec.At(op, "responses")
		return slices.ContainsFunc(spec.Keys(responses), func(status string) bool { return spec.At(responses, status, "content") != nil })
	}
	switch {
	case answers(before) && !answers(now):
		m.warn("%s describes no answer any more; its method still returns one", key)
		now["responses"] = m.copied(before["responses"])
	case !answers(before) && answers(now):
		m.warn("%s describes an answer now; its method returns none, until the operation is taken out of opencloud.yaml", key)
		now["responses"] = spec.Clone(before["responses"])
	}
}

// onlySuccess is the status of the one answer that has a body, "" if there are
// more or none.
func onlySuccess(op spec.Object) (only string) {
	responses := spec.At(op, "responses")
	for _, status := range spec.Keys(responses) {
		if spec.At(responses, status, "content") == nil {
			continue
		}
		if only != "" {
			return ""
		}
		only = status
	}
	return only
}

// copied copies a part of the old description with the schemas that it needs.
func (m *merger) copied(part any) any {
	for _, name := range spec.Refs(part) {
		m.take(name)
	}
	return spec.Clone(part)
}

// parameter returns the parameter of the list that is the same one, or nil.
func parameter(list []any, like spec.Object) spec.Object {
	for _, e := range list {
		if p, _ := e.(spec.Object); p["name"] == like["name"] && p["in"] == like["in"] {
			return p
		}
	}
	return nil
}

func required(p spec.Object) bool { return spec.Flag(p, "required") }

// schema keeps properties, enum values and what decides about the types of
// fields.
func (m *merger) schema(name string, now, before spec.Object) {
	old := spec.At(before, "properties")
	if len(old) > 0 && now["properties"] == nil && isObject(now["type"]) && now["additionalProperties"] == nil {
		now["properties"] = spec.Object{}
	}
	props := spec.At(now, "properties")
	for _, p := range spec.Keys(old) {
		if props == nil {
			m.warn("%s has no fields any more", name)
			break
		}
		what := name + "." + p
		if prop := spec.At(props, p); prop != nil {
			m.settle(what, prop, spec.At(old, p))
			m.direction(what, prop, spec.At(old, p))
			continue
		}
		if kept := m.keep(what, spec.At(old, p), m.reason); kept != nil {
			props[p] = kept
			order := spec.List(now, "x-rblx-order")
			now["x-rblx-order"] = append(order, p)
		}
	}
	m.required(now, before)
	m.values(name, now, before)
}

// required keeps which old properties a request must have, since a field that
// may be left out is of another type.
func (m *merger) required(now, before spec.Object) {
	old := spec.At(before, "properties")
	var list []any
	for _, p := range spec.Keys(spec.At(now, "properties")) {
		from := now
		if old[p] != nil {
			from = before
		}
		if slices.Contains(spec.Strings(from, "required"), p) {
			list = append(list, p)
		}
	}
	delete(now, "required")
	if len(list) > 0 {
		now["required"] = list
	}
}

// values keeps the values of an enum, the old ones first, whose constants keep
// their names so, and the names of numbers.
func (m *merger) values(name string, now, before spec.Object) {
	values, oldValues := spec.List(now, "enum"), spec.List(before, "enum")
	if len(oldValues) == 0 {
		return
	}
	if len(values) == 0 {
		m.warn("%s lists no values any more; those it had stay", name)
		delete(now, "enum")
		maps.Copy(now, spec.Clone(before))
		return
	}
	var all, names []any
	for i, v := range oldValues {
		if m.prune && !slices.Contains(values, v) {
			continue
		}
		all, names = append(all, v), append(names, varName(before, i))
	}
	for i, v := range values {
		if !slices.Contains(oldValues, v) {
			all, names = append(all, v), append(names, varName(now, i))
		}
	}
	now["enum"] = all
	if now["x-enum-varnames"] != nil || before["x-enum-varnames"] != nil {
		now["x-enum-varnames"] = names
	}
}

// varName is the name of an enum's i-th value: the one beside it, or itself.
func varName(enum spec.Object, i int) string {
	values := spec.List(enum, "enum")
	if names := spec.Strings(enum, "x-enum-varnames"); len(names) == len(values) {
		return names[i]
	}
	return fmt.Sprint(values[i])
}

// settle keeps the type of a property or parameter where the wire allows it:
// text stays text of the same kind, and a number a number, whether or not its
// values are listed. It warns where it does not.
func (m *merger) settle(what string, now, before spec.Object) {
	was, is := m.scalar(before), m.scalar(now)
	switch {
	case typeOf(now) == typeOf(before):
	case was != "" && was == is:
		for _, k := range []string{"type", "format", "$ref", "allOf", "enum"} {
			delete(now, k)
			if v, has := before[k]; has {
				now[k] = spec.Clone(v)
			}
		}
		for _, name := range spec.Refs(before) {
			m.take(name)
		}
	default:
		m.warn("%s was %s and is %s: its type in Go changes", what, typeOf(before), typeOf(now))
	}
}

// scalar is the type on the wire of a schema whose values are any text, or any
// number of 32 bits, or are listed; "" of all others.
func (m *merger) scalar(schema spec.Object) string {
	if refs := spec.Refs(schema); len(refs) == 1 && spec.Text(schema, "type") == "" {
		for _, schemas := range []spec.Object{m.schemas, m.old} {
			if s := spec.At(schemas, refs[0]); s != nil && spec.List(s, "enum") != nil {
				return spec.Text(s, "type")
			}
		}
		return ""
	}
	switch kind, format := spec.Text(schema, "type"), spec.Text(schema, "format"); {
	case kind == "string" && format == "", kind == "integer" && (format == "" || format == "int32"):
		return kind
	}
	return ""
}

// typeOf writes a schema's type down, to be compared and read.
func typeOf(schema spec.Object) string {
	refs := spec.Refs(schema)
	switch kind := spec.Text(schema, "type"); {
	case kind == "array":
		return "a list of " + typeOf(spec.At(schema, "items"))
	case len(refs) > 0:
		return strings.Join(refs, " or ")
	case kind == "":
		return "any JSON"
	default:
		return strings.TrimSpace(kind + " " + spec.Text(schema, "format"))
	}
}

// direction keeps a field that requests could have, although the document says
// now that it is the server's.
func (m *merger) direction(what string, now, before spec.Object) {
	for _, k := range []string{"readOnly", "x-immutable"} {
		if spec.Flag(now, k) && !spec.Flag(before, k) {
			m.warn("%s is %s in the document; requests may still have it", what, k)
			delete(now, k)
		}
	}
	if k := "writeOnly"; spec.Flag(now, k) && !spec.Flag(before, k) {
		m.warn("%s is %s in the document; answers may still have it", what, k)
		delete(now, k)
	}
}
