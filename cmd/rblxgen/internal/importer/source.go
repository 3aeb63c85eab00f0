// Package importer turns Roblox's OpenAPI document into the module's own
// description: it keeps the operations that a key or a token may call, corrects
// the document's faults, drops its prose, and gives everything the name that
// users of the module know it by.
package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// MaxSource is the largest document that is read, in bytes; today's has 3 MB.
const MaxSource = 64 << 20

// parse reads the document and refuses what is none, naming the place.
func parse(text []byte) (spec.Object, error) {
	if len(text) > MaxSource {
		return nil, fmt.Errorf("more than the %d MiB that a document may have", MaxSource>>20)
	}
	doc, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	version, ok := doc["openapi"].(string)
	if !ok {
		return nil, errors.New("openapi: missing, so this is no OpenAPI 3 document")
	}
	if !slices.ContainsFunc([]string{"3.0", "3.1"}, func(v string) bool { return version == v || strings.HasPrefix(version, v+".") }) {
		return nil, fmt.Errorf("openapi: version %q, but 3.0 and 3.1 are what can be read", version)
	}
	if spec.At(doc, "paths") == nil {
		return nil, errors.New("paths: missing or no mapping")
	}
	if err := checkShape(doc); err != nil {
		return nil, err
	}
	r := references{doc: doc, state: map[string]int{}}
	return doc, r.check(doc, "")
}

// references checks that all references of a document stay in it, arrive, and
// lead to nothing that contains itself.
type references struct {
	doc   spec.Object
	state map[string]int // by reference: looking, done
}

const (
	looking = iota + 1
	done
)

// check looks at all references below v.
func (r *references) check(v any, place string) error {
	switch v := v.(type) {
	case spec.Object:
		if ref, ok := refOf(v, place); ok {
			if err := r.follow(ref, place); err != nil {
				return err
			}
		}
		for _, k := range spec.Keys(v) {
			if isData(place, k) {
				continue
			}
			if err := r.check(v[k], place+"/"+k); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range v {
			if err := r.check(e, fmt.Sprintf("%s/%d", place, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isData reports whether what stands at a key is data, in which $ref means
// nothing: an example or a default, unless that is a name.
func isData(place, key string) bool {
	return slices.Contains([]string{"example", "examples", "default"}, key) && !hasNames(place[strings.LastIndexByte(place, '/')+1:])
}

// hasNames reports whether names that somebody chose stand below the key, and no
// keywords.
func hasNames(key string) bool {
	return slices.Contains([]string{"properties", "schemas", "paths", "responses", "content", "mapping", "securitySchemes", "headers"}, key)
}

// refOf returns the reference that the mapping is.
func refOf(o spec.Object, place string) (string, bool) {
	ref, ok := o["$ref"].(string)
	return ref, ok && !strings.HasSuffix(place, "/properties") // where $ref is a name, not a keyword
}

// follow makes sure that a reference found at place leads somewhere and not
// back to itself.
func (r *references) follow(ref, place string) error {
	if !strings.HasPrefix(ref, "#/") {
		return fmt.Errorf("%s: $ref %q leads out of the document", place, ref)
	}
	target := resolve(r.doc, ref)
	switch {
	case target == nil:
		return fmt.Errorf("%s: $ref %q leads nowhere", place, ref)
	case r.state[ref] == done:
		return nil
	case r.state[ref] == looking:
		return fmt.Errorf("%s: $ref %q leads in a circle: a schema cannot contain itself, except in lists and maps", place, ref)
	}
	r.state[ref] = looking
	err := r.within(target, strings.TrimPrefix(ref, "#"), false)
	r.state[ref] = done
	return err
}

// within follows the references that a value of the type holds in itself. What
// is boxed, in a list or a map, may be a schema that is met again.
func (r *references) within(v any, place string, boxed bool) error {
	switch v := v.(type) {
	case spec.Object:
		if ref, ok := refOf(v, place); ok && (!boxed || !isSchemaRef(ref)) {
			return r.follow(ref, place)
		}
		for _, k := range spec.Keys(v) {
			if isData(place, k) {
				continue
			}
			if err := r.within(v[k], place+"/"+k, boxed || k == "items" || k == "additionalProperties"); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range v {
			if err := r.within(e, fmt.Sprintf("%s/%d", place, i), boxed); err != nil {
				return err
			}
		}
	}
	return nil
}

// isSchemaRef reports whether the reference names a shared schema, which stays
// shared; whatever else is referred to is written where it is used.
func isSchemaRef(ref string) bool {
	name, ok := strings.CutPrefix(ref, spec.RefPrefix)
	return ok && !strings.Contains(name, "/")
}

// resolve returns the mapping that a local reference leads to, or nil.
func resolve(doc spec.Object, ref string) spec.Object {
	keys := strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	for i, k := range keys {
		keys[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(k)
	}
	return spec.At(doc, keys...)
}

// keepAccepted drops the operations that take neither key nor token, and the
// schemas that nothing needs then. It returns how many it dropped.
func keepAccepted(doc spec.Object) (n int) {
	paths := spec.At(doc, "paths")
	for _, op := range spec.Operations(doc) {
		if _, own := op.Object["security"]; !own && doc["security"] != nil {
			op.Object["security"] = spec.Clone(doc["security"])
		}
		if !accepted(op) {
			delete(spec.At(paths, op.Path), strings.ToLower(op.Verb))
			n++
		}
	}
	for _, path := range spec.Keys(paths) {
		if item := spec.At(paths, path); !slices.ContainsFunc(spec.Verbs(), func(verb string) bool { return item[verb] != nil }) {
			delete(paths, path)
		}
	}
	schemas := spec.At(doc, "components", "schemas")
	needed := spec.Reachable(doc["paths"], schemas)
	for _, name := range spec.Keys(schemas) {
		if !slices.Contains(needed, name) {
			delete(schemas, name)
		}
	}
	return n
}
