package generator

import (
	"fmt"
	"maps"
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
	Headed    []headedType
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
	declared := map[string]codegen.OperationDefinition{}
	for _, d := range defs {
		declared[d.Method+" "+d.Path] = d
	}
	groups := map[string][]spec.Operation{}
	for _, op := range spec.Operations(f.doc) {
		name := methodName(op.Object)
		groups[name] = append(groups[name], op)
		value := methodLiteral(f.name, name, op)
		value.Var = "Method" + spec.Text(op.Object, "operationId")
		value.Doc = value.Var + " is " + op.Key() + "."
		v.Values = append(v.Values, value)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		ops := groups[name]
		slices.SortFunc(ops, func(a, b spec.Operation) int { return strings.Count(a.Path, "{") - strings.Count(b.Path, "{") })
		m := &method{Name: name, Doc: f.methodDoc(name, ops), ops: ops, op: ops[0].Object, verb: ops[0].Verb}
		if err := f.plan(m, ops, addresses, declared[ops[0].Key()]); err != nil {
			return nil, fmt.Errorf("%s: %w", ops[0].Key(), err)
		}
		if m.own != nil {
			addresses = append(addresses, *m.own)
		}
		v.Methods = append(v.Methods, m)
	}
	for _, name := range slices.Sorted(maps.Keys(f.headedTypes)) {
		v.Headed = append(v.Headed, f.headedTypes[name])
	}
	v.Values = append(v.Values, f.pollValues()...)
	v.Addresses = addresses
	f.view = v
	return v, nil
}

// methodName is the Go method of the operation.
func methodName(op spec.Object) string {
	if n := spec.Text(op, "x-rblx-method"); n != "" {
		return n
	}
	return spec.Text(op, "operationId")
}
