package generator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// background marks the operations whose answer is an operation in the sense of
// the API, work that goes on: x-rblx-poll becomes the key of the operation that
// asks how it stands, and the answer becomes what the work ends in.
func (f *family) background() {
	type work struct {
		poll string
		end  spec.Object
	}
	found := map[string]work{}
	for _, op := range spec.Operations(f.doc) {
		if !isBackground(op.Object, f.schemas()) {
			continue
		}
		w := work{f.pollOf(op), f.endOf(op.Object)}
		if w.end == nil && w.poll == op.Key() {
			w.end = f.endOfAll(w.poll)
		}
		if w.end == nil {
			w.end = spec.Object{} // any JSON
		}
		found[op.Key()] = w
	}
	for _, op := range spec.Operations(f.doc) {
		delete(op.Object, "x-rblx-poll")
		delete(op.Object, "x-long-running-operation-parameters")
		w, has := found[op.Key()]
		if !has || w.poll == "" {
			continue
		}
		op.Object["x-rblx-poll"] = w.poll
		op.Object["responses"] = spec.Object{"200": spec.Object{
			"description": "", "content": spec.Object{"application/json": spec.Object{"schema": spec.Clone(w.end)}},
		}}
	}
}

// isBackground reports whether the operation answers the state of work.
func isBackground(op, schemas spec.Object) bool {
	if op["x-long-running-operation-parameters"] != nil {
		return true
	}
	for _, name := range spec.Refs(op["responses"]) {
		props := spec.At(schemas, name, "properties")
		if spec.Text(spec.At(props, "path"), "type") == "string" && spec.Text(spec.At(props, "done"), "type") == "boolean" {
			return true
		}
	}
	return false
}

// endOf returns the schema of what the work ends in, nil if the document does
// not say.
func (f *family) endOf(op spec.Object) spec.Object {
	if end := spec.At(op, "x-long-running-operation-parameters", "response"); end != nil {
		return end
	}
	for _, name := range spec.Refs(op["responses"]) {
		if end := spec.At(f.schemas(), name, "properties", "response"); end["$ref"] != nil {
			if ref := spec.Refs(end)[0]; !strings.HasPrefix(ref, "GoogleProtobufAny") && spec.At(f.schemas(), ref, "properties", "@type") == nil {
				return end
			}
		}
	}
	return nil
}

// endOfAll returns what all work ends in that is asked for by poll, nil if
// that differs.
func (f *family) endOfAll(poll string) spec.Object {
	ends := map[string]spec.Object{}
	for _, op := range spec.Operations(f.doc) {
		if op.Key() != poll && isBackground(op.Object, f.schemas()) && f.pollOf(op) == poll {
			end := f.endOf(op.Object)
			ends[spec.Text(end, "$ref")] = end
		}
	}
	if len(ends) == 1 {
		for _, end := range ends {
			return end
		}
	}
	return nil
}

// pollOf returns the key of the operation that asks how the work of op stands:
// what the overlay says, op itself if it is one, or else the one whose path has
// the most in common.
func (f *family) pollOf(op spec.Operation) string {
	if poll := spec.Text(op.Object, "x-rblx-poll"); poll != "" {
		return poll
	}
	best, most := "", 0
	for _, candidate := range spec.Operations(f.whole) {
		if candidate.Verb != "GET" || !strings.Contains(candidate.Path, "/operations/") {
			continue
		}
		if candidate.Key() == op.Key() {
			return op.Key()
		}
		split := func(path string) []string {
			return strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == ':' })
		}
		a, b := split(op.Path), split(candidate.Path)
		common := 0
		for common < min(len(a), len(b)) && a[common] == b[common] {
			common++
		}
		if common < 2 || common == len(b) || b[common] != "operations" {
			continue // another service's, or of another part of this one
		}
		if slices.Contains(b[common:], a[len(a)-1]) {
			common++ // .../metrics and .../operations/metrics/{id}
		}
		if common > most {
			best, most = candidate.Key(), common
		}
	}
	return best
}

// pollVar returns the expression for the Method that polls, and remembers those
// of other families, which are written down once more: families do not know
// each other.
func (f *family) pollVar(key string) (string, error) {
	for _, op := range spec.Operations(f.doc) {
		if op.Key() == key {
			return "Method" + spec.Text(op.Object, "operationId"), nil
		}
	}
	for _, op := range spec.Operations(f.whole) {
		if op.Key() == key {
			f.polls[key] = op
			return "method" + GoName(strings.ReplaceAll(spec.Text(op.Object, "operationId"), ".", "_")), nil
		}
	}
	return "", fmt.Errorf("x-rblx-poll: the description has no %s", key)
}

// pollValues lists the Methods of other families that poll.
func (f *family) pollValues() []methodValue {
	var out []methodValue
	for _, key := range slices.Sorted(maps.Keys(f.polls)) {
		op := f.polls[key]
		family, name, _ := strings.Cut(spec.Text(op.Object, "operationId"), ".")
		v := methodLiteral(family, methodName(spec.Object{"operationId": name, "x-rblx-method": op.Object["x-rblx-method"]}), op)
		v.Var = "method" + GoName(family+"_"+name)
		v.Doc = v.Var + " is " + key + ", of package " + family + "."
		out = append(out, v)
	}
	return out
}
