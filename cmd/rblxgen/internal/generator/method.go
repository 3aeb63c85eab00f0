package generator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// method is one method of the client.
type method struct {
	Name, Doc string
	Result    result
	Params    *params
	Iterator  *iterator
	Resume    string // the method that resumes the operation it starts

	Routes   []Route // how a stand-in answers its operations
	ops      []spec.Operation
	op       spec.Object // the first
	verb     string
	args     []arg
	call     []string // statements before the call
	fields   []string // of the opencloud.Request literal
	value    string   // the Method expression
	poll     string   // the Method that polls the operation it starts
	own      *address // the address made for it alone
	by       *address // the address that it takes
	paths    []string // its path parameters; those of the longer path if it has two
	required []parameter
	body     string // the argument that is sent as the body
	bodyType string
	masked   bool
}

// params is the struct of a method's optional parameters.
type params struct {
	Name            string
	Fields          []field
	Queries, Header bool // whether it has any
}

// parameter is one that travels in the query or in a header.
type parameter struct {
	Name, Wire, Type string // in the description, on the wire, in Go
	Header           bool
}

type arg struct{ Name, Type string }

// plan works out one method over one operation, or over two of which the second
// has one more path parameter.
func (f *family) plan(m *method, ops []spec.Operation, addresses []address, declared codegen.OperationDefinition) error {
	m.value = "Method" + spec.Text(m.op, "operationId")
	if err := f.split(m, declared); err != nil {
		return err
	}
	if err := f.path(m, ops, addresses); err != nil {
		return err
	}
	for _, p := range m.required {
		if !m.by.has(p.Name) {
			m.args = append(m.args, arg{argName(p.Name), p.Type})
		}
	}
	err := f.planBody(m)
	if err != nil {
		return err
	}
	m.carry()
	for i, a := range m.args {
		if slices.ContainsFunc(m.args[:i], func(b arg) bool { return a.Name == b.Name }) {
			return fmt.Errorf("%s is the name of two parameters in Go", a.Name)
		}
	}
	if m.Result, err = f.result(m.op); err != nil {
		return err
	}
	if poll := spec.Text(m.op, "x-rblx-poll"); poll != "" {
		if m.poll, err = f.pollVar(poll); err != nil {
			return err
		}
		if m.poll != m.value {
			m.Resume = "Resume" + m.Name
		}
	}
	m.Iterator = f.iterator(m)
	return nil
}

// split sorts the parameters: required ones are arguments, the others fields of
// a params struct; the field mask is made of the body.
func (f *family) split(m *method, declared codegen.OperationDefinition) error {
	optional := &params{Name: m.Name + "Params"}
	for _, p := range slices.Concat(declared.QueryParams, declared.HeaderParams, declared.CookieParams) {
		source := parameterOf(m.op, p.In, p.ParamName)
		switch {
		case p.In == "cookie":
			return fmt.Errorf("the cookie %s has no place in a method", p.ParamName)
		case p.In == "header" && slices.Contains([]string{"Accept", "Accept-Encoding"}, p.ParamName):
			continue // net/http's: setting them turns off its decompression
		case p.ParamName == "updateMask" && m.verb == "PATCH":
			m.masked = true
			continue
		case p.In == "query" && source["explode"] == false:
			return fmt.Errorf("the list %s is sent in a form that has no place in a method yet", p.ParamName)
		}
		out := parameter{Name: p.ParamName, Wire: wireName(source, p.ParamName), Header: p.In == "header", Type: sent(p.Schema.TypeDecl())}
		if !f.flat(out) {
			return fmt.Errorf("the %s %s is a %s, which has no place in a method yet", p.In, p.ParamName, out.Type)
		}
		if p.Required || slices.Contains(spec.Strings(m.op, "x-rblx-required"), p.ParamName) {
			m.required = append(m.required, out)
			continue
		}
		if source != nil && spec.At(source, "schema")["default"] == true {
			out.Type = "*" + out.Type // false is worth sending
		}
		name := spec.Text(source, "x-go-name")
		if name == "" {
			name = GoName(plainHeader(p.ParamName))
		}
		tag := "query"
		if out.Header {
			tag, optional.Header = "header", true
		} else {
			optional.Queries = true
		}
		fl := field{Name: name, Wire: out.Wire, Type: out.Type, Tag: fmt.Sprintf("%s:%q", tag, out.Wire)}
		fl.Doc = f.fieldDoc(fl, source, "in the "+tag)
		optional.Fields = append(optional.Fields, fl)
	}
	if len(optional.Fields) > 0 {
		m.Params = optional
	}
	return distinct(optional.Fields)
}

// flat reports whether the runtime can write the parameter as text, or in a query
// as a list of texts.
func (f *family) flat(p parameter) bool {
	goType := p.Type
	if !p.Header {
		goType = strings.TrimPrefix(goType, "[]")
	}
	if schema := spec.At(f.schemas(), goType); schema != nil {
		return slices.Contains([]string{"string", "integer", "number", "boolean"}, spec.Text(schema, "type"))
	}
	return slices.Contains([]string{"string", "int", "int64", "float64", "bool", "time.Time", "opencloud.Duration"}, goType)
}

// distinct makes sure that fields have names of their own.
func distinct(fields []field) error {
	seen := map[string]bool{}
	for _, fl := range fields {
		if seen[fl.Name] {
			return fmt.Errorf("%s is the name of two things in Go", fl.Name)
		}
		seen[fl.Name] = true
	}
	return nil
}

// sent is the type of what goes out, of which there is one form.
func sent(goType string) string {
	return strings.ReplaceAll(strings.ReplaceAll(goType, "interface{}", "any"), "opencloud.Int64", "int64")
}

// path plans the arguments that make the path.
func (f *family) path(m *method, ops []spec.Operation, addresses []address) error {
	names := PathParams(ops[0].Path)
	m.paths = names
	if want := spec.Text(m.op, "x-rblx-address"); want != "" {
		i := slices.IndexFunc(addresses, func(a address) bool { return a.Name == want })
		if i < 0 {
			return fmt.Errorf("no address %s in the overlay", want)
		}
		m.by = &addresses[i]
	}
	row := m.strings()
	if m.by == nil && len(row) > maxStrings {
		own := addressFor(spec.Text(m.op, "operationId"), row)
		m.own, m.by, row = &own, &own, nil
	}
	if len(row) > maxStrings {
		return fmt.Errorf("%d strings in a row: the address %s does not take enough of them", len(row), m.by.Name)
	}
	if m.by != nil {
		m.args = append(m.args, arg{m.by.argument(), m.by.Name})
	}
	for _, n := range names {
		if !m.by.has(n) {
			m.args = append(m.args, arg{argName(n), "string"})
		}
	}
	switch {
	case len(ops) == 1:
		if len(names) > 0 {
			m.fields = append(m.fields, "Path: "+m.by.path(names))
		}
	case len(ops) == 2 && m.by != nil && m.by.Optional != "":
		m.paths = PathParams(ops[1].Path)
		other := "Method" + spec.Text(ops[1].Object, "operationId")
		m.call = []string{
			fmt.Sprintf("method, path := %s, %s", m.value, m.by.path(names)),
			fmt.Sprintf("if %s.%s != \"\" {\n\t\tmethod, path = %s, %s\n\t}", m.by.argument(), m.by.Optional, other, m.by.path(m.paths)),
		}
		m.value = "method"
		m.fields = append(m.fields, "Path: path")
	default:
		return fmt.Errorf("%d operations are called %s and no address tells them apart", len(ops), m.Name)
	}
	return nil
}

// strings lists the parameters that would stand in a row as strings.
func (m *method) strings() []string {
	var out []string
	for _, n := range m.paths {
		if !m.by.has(n) {
			out = append(out, n)
		}
	}
	for _, p := range m.required {
		if p.Type != "string" {
			break
		}
		if !m.by.has(p.Name) {
			out = append(out, p.Name)
		}
	}
	return out
}

// planBody plans the argument that is sent as the body.
func (f *family) planBody(m *method) error {
	body := bodyOf(m.op)
	if schema := body.schema; m.masked && (schema == nil || schema["$ref"] == nil || !f.masks(spec.Refs(schema)[0])) {
		return errors.New("an updateMask of a body without fields has no place in a method yet")
	}
	switch {
	case body.kind == noBody:
		return nil
	case body.kind == formBody && !f.oauth:
		return errors.New("a form has no place in a method yet")
	case body.kind == fileBody:
		m.body, m.bodyType = "file", "opencloud.File"
		m.args = append(m.args, arg{m.body, m.bodyType})
		m.fields = append(m.fields, "Body: "+m.body)
		return nil
	case spec.Text(body.schema, "type") == "object" && body.schema["additionalProperties"] == nil:
		m.fields = append(m.fields, "Body: struct{}{}") // Roblox wants {} where nothing is to be said
		return nil
	}
	m.bodyType = sent(strings.ReplaceAll(f.goType(body.schema), "json.RawMessage", "any"))
	m.body = bodyArg(m.bodyType)
	if slices.ContainsFunc(m.args, func(a arg) bool { return a.Name == m.body }) {
		m.body = "body"
	}
	m.args = append(m.args, arg{m.body, m.bodyType})
	value := m.body
	switch body.kind {
	case formBody:
		value += ".values()"
	case multipartBody:
		again := ""
		if name := spec.Text(m.op, "x-rblx-repeats"); name != "" {
			again = argName(name)
		}
		value += ".parts(" + again + ")"
	case jsonBody, fileBody, noBody:
		if m.bodyType == "any" {
			value = "&" + value // nil is the JSON null, and not no body
		}
	}
	m.fields = append(m.fields, "Body: "+value)
	return nil
}

// masks reports whether the type has a method mask.
func (f *family) masks(name string) bool {
	schema := spec.At(f.schemas(), name)
	props := spec.At(schema, "properties")
	switch {
	case f.roles[name] != update:
		return false
	case !spec.Flag(schema, "x-rblx-parts"):
		return len(props) > 0
	}
	return slices.ContainsFunc(spec.Keys(props), func(p string) bool { // the part in JSON
		refs := spec.Refs(spec.Object{"$ref": spec.At(props, p)["$ref"]})
		return len(refs) == 1 && len(spec.At(f.schemas(), refs[0], "properties")) > 0
	})
}

// carry plans how query and header are put together.
func (m *method) carry() {
	if m.Params != nil {
		m.args = append(m.args, arg{"params", "*" + m.Params.Name})
	}
	var query, header []string
	for _, p := range m.required {
		call := "Set" // also what is zero
		if m.by.optional(p.Name) {
			call = "Add"
		}
		if p.Header {
			header = append(header, fmt.Sprintf("opencloud.%sHeader(header, %q, %s)", call, p.Wire, m.by.value(p.Name)))
		} else {
			query = append(query, fmt.Sprintf("query.%s(%q, %s)", call, p.Wire, m.by.value(p.Name)))
		}
	}
	if m.masked {
		query = append(query, fmt.Sprintf("query.Add(%q, %s.mask())", "updateMask", m.body))
	}
	add := func(name, field, empty string, has bool, statements []string) {
		switch {
		case has && len(statements) == 0:
			m.fields = append(m.fields, field+": params."+name+"()")
			return
		case has:
			m.call = append(m.call, name+" := params."+name+"()")
		case len(statements) > 0:
			m.call = append(m.call, empty)
		default:
			return
		}
		m.call = append(m.call, statements...)
		m.fields = append(m.fields, field+": "+name)
	}
	add("query", "Query", "var query opencloud.Query", m.Params != nil && m.Params.Queries, query)
	add("header", "Header", "header := http.Header{}", m.Params != nil && m.Params.Header, header)
}
