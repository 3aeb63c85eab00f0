package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// clientView is the rest of a family's file as client.tmpl prints it.
type clientView struct {
	Package   string
	Values    []methodValue
	Addresses []address
	Methods   []*method
}

// methodValue is one opencloud.Method.
type methodValue struct{ Var, Doc, Literal string }

// address is a struct that carries path parameters which always go together.
type address struct {
	Name, Doc string
	Fields    []field
	Params    []string // by field
	Optional  string   // the field that may be empty, if any
}

// method is one method of the client.
type method struct {
	Name, Doc string
	Result    string // "" if nothing comes back
	Params    *params
	Iterator  *iterator

	args    []arg
	call    []string // statements before the call
	request string   // the opencloud.Request literal
	value   string   // the Method expression
}

// params is the struct of a method's optional query parameters.
type params struct {
	Name   string
	Fields []field
}

// iterator is what walks all pages of a list.
type iterator struct {
	Name, Doc, Item, Items, Next, Token string
	Args                                string // "userID string, params *ListXParams"
	Pass                                string // "userID, &p"
}

type arg struct{ Name, Type string }

// argument names the argument that carries an address: its type's last word.
func (a *address) argument() string {
	ws := words(a.Name)
	return strings.ToLower(ws[len(ws)-1])
}

// path writes path parameters down as a slice, those of the address as its
// fields. A nil address has none.
func (a *address) path(names []string) string {
	var out []string
	for _, n := range names {
		expr := argName(n)
		if a != nil {
			if i := slices.Index(a.Params, n); i >= 0 {
				expr = a.argument() + "." + a.Fields[i].Name
			}
		}
		out = append(out, expr)
	}
	return "[]string{" + strings.Join(out, ", ") + "}"
}

// clientView groups the operations into methods: operations with the same
// name are two ways to the same thing, told apart by an optional part of the
// address.
func (f *family) clientView(defs []codegen.OperationDefinition) (*clientView, error) {
	v := &clientView{Package: f.name}
	addresses, err := f.addresses()
	if err != nil {
		return nil, err
	}
	v.Addresses = addresses
	params := map[string][]codegen.ParameterDefinition{}
	for _, d := range defs {
		params[d.Method+" "+d.Path] = d.QueryParams
	}
	groups := map[string][]spec.Operation{}
	for _, op := range spec.Operations(f.doc) {
		name := methodName(op.Object)
		groups[name] = append(groups[name], op)
		v.Values = append(v.Values, f.methodValue(op))
	}
	for _, name := range sortedKeys(groups) {
		ops := groups[name]
		slices.SortFunc(ops, func(a, b spec.Operation) int { return strings.Count(a.Path, "{") - strings.Count(b.Path, "{") })
		m, err := f.method(name, ops, addresses, params[ops[0].Key()])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ops[0].Key(), err)
		}
		v.Methods = append(v.Methods, m)
	}
	return v, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// methodName is the Go method of the operation.
func methodName(op spec.Object) string {
	if n := spec.Text(op, "x-rblx-method"); n != "" {
		return n
	}
	return spec.Text(op, "operationId")
}

// methodValue writes the operation down as an opencloud.Method.
func (f *family) methodValue(op spec.Operation) methodValue {
	id := spec.Text(op.Object, "operationId")
	key, oauth := accepts(op.Object)
	var lit strings.Builder
	fmt.Fprintf(&lit, "\tName: %q, Verb: %q, Path: %q,\n", f.name+"."+methodName(op.Object), op.Verb, op.Path)
	if host := spec.Text(op.Object, "x-rblx-host"); host != "" {
		fmt.Fprintf(&lit, "\tHost: %q,\n", host)
	}
	if scopes := spec.Strings(op.Object, "x-roblox-scopes"); len(scopes) > 0 {
		fmt.Fprintf(&lit, "\tScopes: %#v,\n", scopes)
	}
	switch {
	case key && oauth:
		lit.WriteString("\tKey: true, OAuth: true,\n")
	case key:
		lit.WriteString("\tKey: true,\n")
	case oauth:
		lit.WriteString("\tOAuth: true,\n")
	}
	for _, l := range [][2]string{{"KeyLimit", "perApiKeyOwner"}, {"TokenLimit", "perOauth2Authorization"}} {
		if limit := limit(op.Object, l[1]); limit.Max > 0 {
			fmt.Fprintf(&lit, "\t%s: opencloud.Limit{Max: %d, Per: time.%s},\n", l[0], limit.Max, GoName(limit.Period))
		}
	}
	if class := class(op); class != "Unsafe" {
		fmt.Fprintf(&lit, "\tClass: opencloud.%s,\n", class)
	}
	if s := spec.Text(op.Object, "x-roblox-stability"); s != "" {
		fmt.Fprintf(&lit, "\tStability: %q,\n", s)
	}
	return methodValue{Var: "Method" + id, Doc: fmt.Sprintf("Method%s is %s.", id, op.Key()), Literal: lit.String()}
}

// class says whether the operation may be sent twice. PATCH counts as unsafe:
// some of Roblox's patches add and do not set.
func class(op spec.Operation) string {
	if c := spec.Text(op.Object, "x-rblx-class"); c != "" {
		return c
	}
	switch op.Verb {
	case "GET":
		return "Safe"
	case "PUT", "DELETE":
		return "Idempotent"
	}
	return "Unsafe"
}

// addresses reads the family's address structs.
func (f *family) addresses() ([]address, error) {
	var out []address
	all := spec.At(f.facts, "addresses")
	for _, name := range spec.Keys(all) {
		o := spec.At(all, name)
		a := address{Name: name, Doc: name + " " + spec.Text(o, "description"), Optional: spec.Text(o, "optional")}
		for _, e := range spec.List(o, "fields") {
			fl, _ := e.(spec.Object)
			a.Params = append(a.Params, spec.Text(fl, "param"))
			a.Fields = append(a.Fields, field{Name: spec.Text(fl, "name"), Type: "string", Doc: spec.Text(fl, "name") + " " + spec.Text(fl, "description")})
		}
		if len(a.Fields) < 2 {
			return nil, fmt.Errorf("address %s needs two fields or more", name)
		}
		out = append(out, a)
	}
	return out, nil
}
