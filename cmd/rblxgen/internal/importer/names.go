package importer

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// names are the names that users of the module know, by what the document
// calls things. Once written they never change: names.yaml.
type names struct {
	doc    spec.Object       // names.yaml
	source spec.Object       // the document's schemas
	before spec.Object       // the schemas of the description before, by family.Type
	places map[string]string // what type stood where in the description before
	used   map[string]string // what of the document is which family.Type now
	added  []string
}

// operation is the pinned naming of one operation.
type operation struct {
	Family   string
	Method   string // the Go method
	As       string // the name of the operation itself where two share a method
	Address  string // the struct that carries its path parameters, if any
	Iterator string // the method that walks its pages, if any
}

// operation returns the naming of op, deriving and pinning it if it is new.
func (n *names) operation(op spec.Operation) operation {
	pins := n.section("operations")
	if pin := spec.At(pins, op.Key()); pin != nil {
		o := operation{Family: spec.Text(pin, "family"), Method: spec.Text(pin, "method"), As: spec.Text(pin, "as"), Address: spec.Text(pin, "address"), Iterator: spec.Text(pin, "iterator")}
		if o.As == "" {
			o.As = o.Method
		}
		return o
	}
	family, made := place(op.Path)
	method := n.freeMethod(family, deriveMethod(op, noun(family)))
	pins[op.Key()] = spec.Object{"family": family, "method": method}
	what := fmt.Sprintf("%s is now %s.%s", op.Key(), family, method)
	if made {
		what += ", in a family made of its path"
	}
	n.added = append(n.added, what)
	return operation{Family: family, Method: method, As: method}
}

// freeMethod returns the name, or one like it that no operation of the family
// has, as its own or as that of what walks its pages.
func (n *names) freeMethod(family, name string) string {
	pins := n.section("operations")
	return numbered(name, func(name string) bool {
		for _, key := range spec.Keys(pins) {
			if pin := spec.At(pins, key); spec.Text(pin, "family") == family && (pin["method"] == name || pin["as"] == name || pin["iterator"] == name) {
				return true
			}
		}
		for _, pin := range n.section("types", family) {
			if slices.Contains(besides(name), fmt.Sprint(pin)) {
				return true
			}
		}
		return name == "Client" || name == "T" // which stand-ins have
	})
}

// besides lists what a method brings with it into its package.
func besides(method string) []string {
	return []string{"Method" + method, method + "Params", method + "Target"}
}

// spellings maps every path of the document to the one that stands for it: the
// pinned one, whose parameters have the names that were there first, or else
// the first of those that differ in nothing but the names of parameters. On the
// wire these names do not exist.
func (n *names) spellings(paths spec.Object) map[string]string {
	best := map[string]string{}
	offer := func(path string, pinned bool) {
		s := shape(path)
		old, has := best[s]
		if !has || pinned && paths[old] == nil && paths[path] != nil {
			best[s] = path
		}
	}
	for _, key := range spec.Keys(n.section("operations")) {
		_, path, _ := strings.Cut(key, " ")
		offer(path, true)
	}
	out := map[string]string{}
	for _, path := range spec.Keys(paths) {
		offer(path, false)
		out[path] = best[shape(path)]
	}
	return out
}

// shape is a path without the names of its parameters.
func shape(path string) string {
	return regexp.MustCompile(`\{[^/}]*\}`).ReplaceAllString(path, "{}")
}

// schema returns the Go type of one of the document's schemas in a family,
// deriving and pinning it if it is new. It is met at the place.
func (n *names) schema(family, schema, place string) string {
	pins := n.section("types", family)
	if pin := spec.Text(pins, schema); pin != "" && n.use(family, pin, schema) {
		return pin
	}
	if old := n.moved(family, schema, place); old != "" && n.use(family, old, schema) {
		pins[schema] = old
		n.added = append(n.added, fmt.Sprintf("the schema %s is what %s.%s was before", schema, family, old))
		return old
	}
	derived := deriveType(schema, noun(family))
	if key, ok := strings.CutSuffix(place, " response"); ok && strings.HasSuffix(schema, "_") { // a generic one of .NET
		derived = spec.Text(spec.At(n.section("operations"), key), "method") + "Response"
	}
	return n.pin(family, schema, derived)
}

// part returns the Go type of what stands in the document without a name: it is
// known by its place.
func (n *names) part(family, place, derived string) string {
	if pin := spec.Text(n.section("types", family), place); pin != "" && n.use(family, pin, place) {
		return pin
	}
	if old := n.moved(family, place, place); old != "" && n.use(family, old, place) {
		n.section("types", family)[place] = old
		return old
	}
	return n.pin(family, place, derived)
}

// pin gives a thing a name that is free.
func (n *names) pin(family, thing, derived string) string {
	name := n.freeType(family, thing, derived)
	n.section("types", family)[thing] = name
	n.use(family, name, thing)
	n.added = append(n.added, fmt.Sprintf("the type of %s is now %s.%s", thing, family, name))
	return name
}

// use notes that the thing is the type, and reports false if another one that
// looks different is already.
func (n *names) use(family, name, thing string) bool {
	key := family + "." + name
	other, taken := n.used[key]
	if taken && other != thing && look(spec.At(n.source, other)) != look(spec.At(n.source, thing)) {
		return false
	}
	if !taken {
		n.used[key] = thing
	}
	return true
}

// moved returns the type that was what the schema is now, "" if none was: the
// type that stood at its place, one whose schema had the same name behind
// another prefix, or one that looked the same. Only a type counts whose own
// schema is not in the document any more, or at the place is the same.
func (n *names) moved(family, schema, place string) string {
	if at, ok := strings.CutPrefix(n.places[family+": "+place], family+"."); ok && (n.gone(family, at) || n.same(family, at, schema)) {
		return at
	}
	if n.source[schema] == nil {
		return ""
	}
	pins := n.section("types", family)
	var byName, byLook []string
	for _, old := range spec.Keys(pins) {
		name := spec.Text(pins, old)
		if !n.gone(family, name) {
			continue
		}
		if baseName(old) == baseName(schema) && !slices.Contains(byName, name) {
			byName = append(byName, name)
		}
		if l := look(spec.At(n.source, schema)); strings.Contains(l, " ") && l == look(spec.At(n.before, family+"."+name)) && !slices.Contains(byLook, name) {
			byLook = append(byLook, name)
		}
	}
	for _, found := range [][]string{byName, byLook} {
		if len(found) == 1 {
			return found[0]
		}
	}
	return ""
}

// same reports whether the schema says the same as the one that the type is now:
// a schema that several operations share falls apart where services collide.
func (n *names) same(family, name, schema string) bool {
	pins := n.section("types", family)
	for _, old := range spec.Keys(pins) {
		if pins[old] == name && n.source[old] != nil && n.source[schema] != nil {
			return reflect.DeepEqual(plain(n.source[old]), plain(n.source[schema]))
		}
	}
	return false
}

// plain copies a schema without the prefixes of those that it refers to.
func plain(schema any) any {
	out := spec.Clone(schema)
	spec.Rename(out, baseName)
	return out
}

// gone reports whether the document has none of the schemas that were the type.
func (n *names) gone(family, name string) bool {
	pins := n.section("types", family)
	for _, old := range spec.Keys(pins) {
		if pins[old] == name && n.source[old] != nil {
			return false
		}
	}
	_, used := n.used[family+"."+name]
	return !used
}

// look describes what a schema looks like: its properties, or its values.
func look(schema spec.Object) string {
	if values := spec.List(schema, "enum"); len(values) > 0 {
		return "enum " + fmt.Sprint(values)
	}
	return strings.Join(spec.Keys(spec.At(schema, "properties")), " ")
}

// freeType returns the name, or one like it that stands for nothing else in the
// family's package.
func (n *names) freeType(family, thing, name string) string {
	taken := func(name string) bool {
		for _, pin := range n.section("types", family) {
			if pin == name {
				return true
			}
		}
		return n.before[family+"."+name] != nil || n.reserved(family, name)
	}
	if !taken(name) {
		return name
	}
	if parts := strings.Split(thing, "."); len(parts) > 1 { // ToolboxService.Asset
		if q := generator.GoName(parts[len(parts)-2]) + name; !taken(q) {
			return q
		}
	}
	return numbered(name, taken)
}

// reserved reports whether the family's package has something of that name that
// is no type of the document.
func (n *names) reserved(family, name string) bool {
	if slices.Contains([]string{"Client", "API", "UnimplementedAPI", "New"}, name) {
		return true
	}
	pins := n.section("operations")
	for _, key := range spec.Keys(pins) {
		pin := spec.At(pins, key)
		if spec.Text(pin, "family") != family {
			continue
		}
		method := spec.Text(pin, "method")
		if rest, lists := strings.CutPrefix(method, "List"); lists && rest == name {
			return true // what its iterator will be called, if it gets one
		}
		if name == pin["iterator"] || slices.Contains(besides(method), name) || slices.Contains(besides(spec.Text(pin, "as")), name) {
			return true
		}
	}
	return n.constant(family, name)
}

// constant reports whether the family's package has had a constant of that name.
func (n *names) constant(family, name string) bool {
	for key, schema := range n.before {
		goName, of := strings.CutPrefix(key, family+".")
		if o, _ := schema.(spec.Object); of && slices.Contains(generator.Constants(goName, o), name) {
			return true
		}
	}
	return false
}

// numbered returns the name or the first of name2, name3 ... that is not taken.
func numbered(name string, taken func(string) bool) string {
	if !taken(name) {
		return name
	}
	for i := 2; ; i++ {
		if next := fmt.Sprintf("%s%d", name, i); !taken(next) {
			return next
		}
	}
}

// fields gives the list in a page a name that does not repeat the family, and
// every field the name that is pinned for it.
func (n *names) fields(family, goName string, schema spec.Object) {
	props := spec.At(schema, "properties")
	seen := map[string]bool{}
	for _, p := range spec.Keys(props) {
		key := goName + "." + p
		pin := spec.Text(spec.At(n.doc, "fields", family), key)
		derived := generator.GoName(p)
		if pin == "" && strings.HasPrefix(goName, "List") && spec.Text(spec.At(props, p), "type") == "array" {
			derived = without(derived, noun(family))
		}
		derived = numbered(derived, func(s string) bool { return seen[s] })
		if pin == "" && derived != generator.GoName(p) {
			pin = derived
			n.section("fields", family)[key] = pin
			n.added = append(n.added, fmt.Sprintf("the field %s of %s.%s is now %s", p, family, goName, pin))
		}
		if pin != "" {
			prop := spec.At(props, p)
			if ref := spec.Text(prop, "$ref"); ref != "" {
				clear(prop)
				pointTo(prop, ref, spec.Object{"x-go-name": pin})
			}
			prop["x-go-name"] = pin
			derived = pin
		}
		seen[derived] = true
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

// typesByPlace lists which type stood where: in the bodies and parameters of
// operations, and in the properties of other types.
func typesByPlace(doc spec.Object) map[string]string {
	out := map[string]string{}
	note := func(place string, schema any) {
		if refs := spec.Refs(schema); len(refs) == 1 {
			family, _, _ := strings.Cut(refs[0], ".")
			out[family+": "+place] = refs[0]
		}
	}
	for _, op := range spec.Operations(doc) {
		places := schemasOf(op)
		for _, place := range spec.Keys(places) {
			note(place, places[place])
		}
	}
	schemas := spec.At(doc, "components", "schemas")
	for _, name := range spec.Keys(schemas) {
		_, goName, _ := strings.Cut(name, ".")
		props := spec.At(schemas, name, "properties")
		for _, p := range spec.Keys(props) {
			note(goName+"."+p, props[p])
		}
	}
	return out
}
