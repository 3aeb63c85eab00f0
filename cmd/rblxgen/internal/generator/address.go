package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// address is a struct that carries parameters which always go together.
type address struct {
	Name, Doc string
	Fields    []field
	Params    [][]string // by field: what it is called on the wire
	Optional  string     // the field that may be empty, if any
}

// maxStrings is how many strings may stand in a row among a method's arguments.
const maxStrings = 3

// addresses reads the family's address structs.
func (f *family) addresses() ([]address, error) {
	var out []address
	all := spec.At(f.facts, "addresses")
	for _, name := range spec.Keys(all) {
		o := spec.At(all, name)
		a := address{Name: name, Doc: name + " " + spec.Text(o, "description"), Optional: spec.Text(o, "optional")}
		for _, e := range spec.List(o, "fields") {
			fl, _ := e.(spec.Object)
			params := spec.Strings(fl, "param")
			if one := spec.Text(fl, "param"); one != "" {
				params = []string{one}
			}
			a.Params = append(a.Params, params)
			a.Fields = append(a.Fields, field{Name: spec.Text(fl, "name"), Type: "string", Doc: spec.Text(fl, "name") + " " + spec.Text(fl, "description")})
		}
		if len(a.Fields) < 2 {
			return nil, fmt.Errorf("address %s needs two fields or more", name)
		}
		out = append(out, a)
	}
	return out, nil
}

// addressFor makes the address of an operation that has too many strings and
// none of its own. It is named after the operation, whose name is pinned.
func addressFor(id string, params []string) address {
	a := address{Name: id + "Target", Doc: id + "Target says which one [Client." + id + "] means."}
	for _, p := range params {
		a.Params = append(a.Params, []string{p})
		a.Fields = append(a.Fields, field{Name: GoName(plainHeader(p)), Type: "string", Doc: GoName(plainHeader(p)) + " is the parameter " + p + "."})
	}
	return a
}

// argument names the argument that carries an address: its type's last word.
func (a *address) argument() string {
	ws := words(a.Name)
	return strings.ToLower(ws[len(ws)-1])
}

// has reports whether the address carries the parameter.
func (a *address) has(param string) bool {
	return a != nil && slices.ContainsFunc(a.Params, func(names []string) bool { return slices.Contains(names, param) })
}

// optional reports whether the parameter is the address's field that may be empty.
func (a *address) optional(param string) bool {
	return a.has(param) && a.Optional != "" && a.value(param) == a.argument()+"."+a.Optional
}

// value is the expression for a parameter: a field of the address, or an
// argument. A nil address has no fields.
func (a *address) value(param string) string {
	if a.has(param) {
		i := slices.IndexFunc(a.Params, func(names []string) bool { return slices.Contains(names, param) })
		return a.argument() + "." + a.Fields[i].Name
	}
	return argName(param)
}

// path writes path parameters down as a slice.
func (a *address) path(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, a.value(n))
	}
	return "[]string{" + strings.Join(out, ", ") + "}"
}
