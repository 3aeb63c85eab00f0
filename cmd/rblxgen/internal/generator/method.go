package generator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// method plans one method over one operation, or over two of which the second
// has one more path parameter.
func (f *family) method(name string, ops []spec.Operation, addresses []address, query []codegen.ParameterDefinition) (*method, error) {
	op := ops[0].Object
	m := &method{Name: name, Doc: f.methodDoc(name, ops), value: "Method" + spec.Text(op, "operationId")}
	var fields []string
	if err := f.path(m, ops, addresses, &fields); err != nil {
		return nil, err
	}
	for _, e := range spec.List(op, "parameters") {
		if p, _ := e.(spec.Object); spec.Text(p, "in") != "path" && spec.Text(p, "in") != "query" {
			return nil, fmt.Errorf("the %s parameter %s has no place in a method yet", spec.Text(p, "in"), spec.Text(p, "name"))
		}
	}
	var required, optional []codegen.ParameterDefinition
	masked := false
	for _, p := range query {
		switch {
		case p.ParamName == "updateMask" && ops[0].Verb == "PATCH":
			masked = true
		case p.Required, slices.Contains(spec.Strings(op, "x-rblx-required"), p.ParamName):
			required = append(required, p)
		default:
			optional = append(optional, p)
		}
	}
	for _, p := range required {
		m.args = append(m.args, arg{argName(p.ParamName), goType(p)})
	}
	body := ""
	switch schema := bodySchema(op); {
	case schema == nil:
		if content := spec.At(op, "requestBody", "content"); len(content) > 0 {
			return nil, fmt.Errorf("sends %s and not JSON", spec.Keys(content)[0])
		}
	case schema["$ref"] == nil:
		if spec.Text(schema, "type") != "object" || len(spec.At(schema, "properties")) > 0 {
			return nil, errors.New("sends an inline schema")
		}
		fields = append(fields, "Body: struct{}{}") // Roblox wants {} where nothing is to be said
	default:
		typeName := spec.Refs(schema)[0]
		body = bodyArg(typeName)
		m.args = append(m.args, arg{body, typeName})
		value := body
		if f.oauth {
			value += ".values()"
		}
		fields = append(fields, "Body: "+value)
	}
	f.query(m, op, required, optional, masked, body, &fields)
	result, err := resultSchema(op)
	if err != nil {
		return nil, err
	}
	if result != nil {
		if result["$ref"] == nil {
			return nil, errors.New("answers an inline schema")
		}
		m.Result = spec.Refs(result)[0]
	}
	m.request = "opencloud.Request{" + strings.Join(fields, ", ") + "}"
	m.Iterator = f.iterator(m, optional)
	return m, nil
}

// path plans the arguments that make the path.
func (f *family) path(m *method, ops []spec.Operation, addresses []address, fields *[]string) error {
	names := PathParams(ops[0].Path)
	var by *address
	if want := spec.Text(ops[0].Object, "x-rblx-address"); want != "" {
		i := slices.IndexFunc(addresses, func(a address) bool { return a.Name == want })
		if i < 0 {
			return fmt.Errorf("no address %s in the overlay", want)
		}
		by = &addresses[i]
		m.args = append(m.args, arg{by.argument(), want})
	}
	row := 0
	for _, n := range names {
		if by == nil || !slices.Contains(by.Params, n) {
			m.args = append(m.args, arg{argName(n), "string"})
			row++
		}
	}
	if row > 3 {
		return fmt.Errorf("%d strings in a row: give the operation an address", row)
	}
	switch {
	case len(ops) == 1:
		if len(names) > 0 {
			*fields = append(*fields, "Path: "+by.path(names))
		}
	case len(ops) == 2 && by != nil && by.Optional != "":
		other := "Method" + spec.Text(ops[1].Object, "operationId")
		m.call = []string{
			fmt.Sprintf("method, path := %s, %s", m.value, by.path(names)),
			fmt.Sprintf("if %s.%s != \"\" {\n\t\tmethod, path = %s, %s\n\t}", by.argument(), by.Optional, other, by.path(PathParams(ops[1].Path))),
		}
		m.value = "method"
		*fields = append(*fields, "Path: path")
	default:
		return fmt.Errorf("%d operations are called %s and no address tells them apart", len(ops), m.Name)
	}
	return nil
}

// query plans the query: required parameters are arguments, the others fields
// of a params struct.
func (f *family) query(m *method, op spec.Object, required, optional []codegen.ParameterDefinition, masked bool, body string, fields *[]string) {
	if len(required) == 0 && len(optional) == 0 && !masked {
		return
	}
	if len(optional) > 0 {
		m.Params = &params{Name: m.Name + "Params"}
		for _, p := range optional {
			name := GoName(p.ParamName)
			doc := fieldDoc(name, queryParam(op, p.ParamName))
			m.Params.Fields = append(m.Params.Fields, field{Name: name, Wire: p.ParamName, Type: goType(p), Doc: doc})
		}
		m.args = append(m.args, arg{"params", "*" + m.Params.Name})
	}
	if len(required) == 0 && !masked {
		*fields = append(*fields, "Query: params.query()")
		return
	}
	if len(optional) > 0 {
		m.call = append(m.call, "query := params.query()")
	} else {
		m.call = append(m.call, "var query opencloud.Query")
	}
	for _, p := range required {
		m.call = append(m.call, fmt.Sprintf("query.Add(%q, %s)", p.ParamName, argName(p.ParamName)))
	}
	if masked {
		m.call = append(m.call, fmt.Sprintf("query.Add(%q, %s.mask())", "updateMask", body))
	}
	*fields = append(*fields, "Query: query")
}

// iterator plans the method that walks all pages, if request and answer both
// carry a page token and the answer has one list.
func (f *family) iterator(m *method, optional []codegen.ParameterDefinition) *iterator {
	const token, next = "pageToken", "nextPageToken"
	has := slices.ContainsFunc(optional, func(p codegen.ParameterDefinition) bool { return p.ParamName == token })
	props := spec.At(f.schemas(), m.Result, "properties")
	plural, isList := strings.CutPrefix(m.Name, "List")
	if !has || spec.At(props, next) == nil || !isList {
		return nil
	}
	for _, p := range spec.Keys(props) {
		refs := spec.Refs(spec.At(props, p))
		if spec.Text(spec.At(props, p), "type") != "array" || len(refs) != 1 {
			continue
		}
		it := &iterator{
			Name: plural, Item: refs[0], Items: fieldName(spec.At(props, p), p), Next: GoName(next), Token: GoName(token),
			Doc: fmt.Sprintf("%s yields the elements of all pages of %s, fetching a page when it is needed. It stops at the first error, which it yields. Params, whose PageToken says where to start, is not changed.", plural, m.Name),
		}
		var pass []string
		for _, a := range m.args {
			if a.Name == "params" {
				pass = append(pass, "&page")
			} else {
				pass = append(pass, a.Name)
			}
		}
		it.Args, it.Pass = list(m.args), strings.Join(pass, ", ")
		return it
	}
	return nil
}

// Signature is the method's name, parameters and results.
func (m *method) Signature() string {
	in := "ctx context.Context"
	if args := list(m.args); args != "" {
		in += ", " + args
	}
	result := "error"
	if m.Result != "" {
		result = "(*" + m.Result + ", error)"
	}
	return fmt.Sprintf("%s(%s) %s", m.Name, in, result)
}

// list writes parameters as Go does, one type for neighbours that share it.
func list(args []arg) string {
	var out strings.Builder
	for i, a := range args {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(a.Name)
		if i+1 == len(args) || args[i+1].Type != a.Type {
			out.WriteString(" " + a.Type)
		}
	}
	return out.String()
}

// Unnamed is the signature with blank parameters.
func (m *method) Unnamed() string {
	in := []string{"context.Context"}
	for _, a := range m.args {
		in = append(in, a.Type)
	}
	result := "error"
	if m.Result != "" {
		result = "(*" + m.Result + ", error)"
	}
	return fmt.Sprintf("%s(%s) %s", m.Name, strings.Join(in, ", "), result)
}

// Names lists the arguments as a caller passes them on.
func (m *method) Names() string {
	var out []string
	for _, a := range m.args {
		out = append(out, a.Name)
	}
	return strings.Join(out, ", ")
}

// Before lists the statements before the call.
func (m *method) Before() []string { return m.call }

// Call is the call.
func (m *method) Call() string {
	if m.Result == "" {
		return fmt.Sprintf("opencloud.Exec(ctx, c.core, %s, %s)", m.value, m.request)
	}
	return fmt.Sprintf("opencloud.Do[%s](ctx, c.core, %s, %s)", m.Result, m.value, m.request)
}

// PathParams lists the template's parameters in order.
func PathParams(path string) []string {
	var out []string
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return out
		}
		name, tail, _ := strings.Cut(after, "}")
		out, rest = append(out, name), tail
	}
}

// goType is the Go type of a query parameter.
func goType(p codegen.ParameterDefinition) string {
	return strings.ReplaceAll(p.Schema.TypeDecl(), "interface{}", "any")
}

// bodyArg names the argument of a body type.
func bodyArg(typeName string) string {
	for _, suffix := range []string{"Update", "Create", "Request", "Form"} {
		if base := strings.TrimSuffix(typeName, suffix); base != typeName && base != "" {
			if suffix == "Request" || suffix == "Form" {
				return strings.ToLower(suffix)
			}
			return argName(base)
		}
	}
	return argName(typeName)
}
