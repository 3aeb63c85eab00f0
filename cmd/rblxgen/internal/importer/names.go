package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// names are the names that users of the module know, by what the document
// calls things. Once written they never change: names.yaml.
type names struct {
	doc   spec.Object
	added []string
}

// operation is the pinned naming of one operation.
type operation struct {
	Family  string
	Method  string // the Go method
	As      string // the name of the operation itself where two share a method
	Address string // the struct that carries its path parameters, if any
}

// operation returns the naming of op, deriving and pinning it if it is new.
func (n *names) operation(op spec.Operation, family string) operation {
	pins := n.section("operations")
	if pin := spec.At(pins, op.Key()); pin != nil {
		o := operation{Family: spec.Text(pin, "family"), Method: spec.Text(pin, "method"), As: spec.Text(pin, "as"), Address: spec.Text(pin, "address")}
		if o.As == "" {
			o.As = o.Method
		}
		return o
	}
	method := deriveMethod(op, nouns()[family])
	pins[op.Key()] = spec.Object{"family": family, "method": method}
	n.added = append(n.added, fmt.Sprintf("%s is now %s.%s", op.Key(), family, method))
	return operation{Family: family, Method: method, As: method}
}

// schema returns the Go type of a schema in a family, deriving and pinning it
// if it is new.
func (n *names) schema(family, schema string) (string, error) {
	return n.typeName(family, schema, deriveType(schema, nouns()[family]))
}

// typeName returns the Go type of what the document calls schema; derived is
// its name if it is new.
func (n *names) typeName(family, schema, derived string) (string, error) {
	pins := n.section("types", family)
	if pin := spec.Text(pins, schema); pin != "" {
		return pin, nil
	}
	for _, other := range spec.Keys(pins) {
		if pins[other] == derived {
			return "", fmt.Errorf("names.yaml: types/%s: %s and %s would both be %s; pin one of them to another name", family, other, schema, derived)
		}
	}
	pins[schema] = derived
	n.added = append(n.added, fmt.Sprintf("the type of %s is now %s.%s", schema, family, derived))
	return derived, nil
}

// fields gives the list in a page a name that does not repeat the family, and
// every field the name that is pinned for it.
func (n *names) fields(family, goName string, schema spec.Object) {
	props := spec.At(schema, "properties")
	for _, p := range spec.Keys(props) {
		key := goName + "." + p
		pin := spec.Text(spec.At(n.doc, "fields", family), key)
		if pin == "" && strings.HasPrefix(goName, "List") && spec.Text(spec.At(props, p), "type") == "array" {
			name := generator.GoName(p)
			if pin = without(name, nouns()[family]); pin == name {
				continue
			}
			n.section("fields", family)[key] = pin
			n.added = append(n.added, fmt.Sprintf("the field %s of %s.%s is now %s", p, family, goName, pin))
		}
		if pin != "" {
			spec.At(props, p)["x-go-name"] = pin
		}
	}
}

// section returns a mapping of the pins, making it if need be.
func (n *names) section(keys ...string) spec.Object {
	o := n.doc
	for _, k := range keys {
		next, ok := o[k].(spec.Object)
		if !ok {
			next = spec.Object{}
			o[k] = next
		}
		o = next
	}
	return o
}

// deriveMethod makes Cloud_ListGroupRoles into ListRoles. An operation without
// an id is named after its verb and path.
func deriveMethod(op spec.Operation, noun string) string {
	id := spec.Text(op.Object, "operationId")
	if id == "" {
		verb := map[string]string{"GET": "get", "POST": "create", "PUT": "set", "PATCH": "update", "DELETE": "delete"}[op.Verb]
		parts := strings.FieldsFunc(op.Path, func(r rune) bool { return r == '/' || r == ':' })
		parts = slices.DeleteFunc(parts, func(s string) bool { return strings.HasPrefix(s, "{") || len(s) == 2 && s[0] == 'v' })
		id = verb + "_" + parts[len(parts)-1]
	} else if _, after, ok := strings.Cut(id, "_"); ok {
		id = after
	}
	id, _, _ = strings.Cut(id, "__")
	name := generator.GoName(id)
	return without(name, noun)
}

// deriveType makes GroupRole_RolePermissions into RolePermissions.
func deriveType(schema, noun string) string {
	base := schema[strings.LastIndexByte(schema, '.')+1:]
	var out string
	for i, part := range strings.Split(base, "_") {
		part = generator.GoName(part)
		if i == 0 {
			if part = without(part, noun); part == noun && strings.Contains(base, "_") {
				part = ""
			}
		}
		if strings.HasPrefix(part, out) {
			out = part // RolePermissions of Role
		} else {
			out += part
		}
	}
	return out
}

// without removes the noun from a name in which other words follow it.
func without(name, noun string) string {
	i := strings.Index(name, noun)
	if noun == "" || i < 0 {
		return name
	}
	rest := name[i+len(noun):]
	if rest == "" || rest[0] < 'A' || rest[0] > 'Z' {
		return name
	}
	if rest == "Request" || rest == "Response" {
		return name
	}
	return name[:i] + rest
}
