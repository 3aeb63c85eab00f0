package generator

import (
	"bytes"
	"fmt"
	"go/format"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// mockView is a family's stand-in as mock.tmpl prints it.
type mockView struct {
	Package, Name string
	Methods       []*method
}

// Route is one operation behind a method: its Method and the expressions that
// read the arguments out of a request.
type Route struct {
	Var  string
	Args []string
}

// mock renders the stand-in of a family that has been rendered.
func (f *family) mock() ([]byte, error) {
	text, err := templates.ReadFile("templates/mock.tmpl")
	if err != nil {
		return nil, err
	}
	t, err := template.New("mock").Funcs(template.FuncMap{
		"qualify":    f.qualify,
		"expression": f.qualifyTypes,
		"quote":      func(s string) string { return fmt.Sprintf("%q", s) },
	}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	for _, m := range f.view.Methods {
		f.routes(m)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, mockView{f.name, f.goField(), f.view.Methods}); err != nil {
		return nil, err
	}
	code := out.String()
	for name, path := range map[string]string{"json": "encoding/json", "time": "time"} {
		if !strings.Contains(code, name+".") {
			code = strings.Replace(code, "\t\""+path+"\"\n", "", 1)
		}
	}
	return format.Source([]byte(code))
}

// goField is the family's field in package api.
func (f *family) goField() string {
	if name := spec.Text(f.facts, "field"); name != "" {
		return name
	}
	return GoName(f.name)
}

// qualify puts the family's package before the types of a signature.
func (f *family) qualify(signature string) string {
	name, rest, _ := strings.Cut(signature, "(")
	return name + f.qualifyTypes("("+rest)
}

func (f *family) qualifyTypes(code string) string {
	return regexp.MustCompile(`(^|[^.\w])([A-Z]\w*)`).ReplaceAllString(code, "${1}"+f.name+".${2}")
}

// routes plans how the operations behind a method are answered.
func (f *family) routes(m *method) {
	for _, op := range m.ops {
		r := Route{Var: "Method" + spec.Text(op.Object, "operationId")}
		paths := PathParams(op.Path)
		value := func(name, goType string) string {
			if i := slices.Index(paths, name); i >= 0 {
				return fmt.Sprintf("c.path(%d)", i)
			}
			from, wire := "query", name
			for _, p := range m.required {
				if p.Name != name {
					continue
				}
				if wire = p.Wire; p.Header {
					from = "header"
				}
			}
			return fmt.Sprintf("%s[%s](c, %q)", from, f.qualifyTypes(goType), wire)
		}
		for _, a := range m.args {
			switch {
			case m.by != nil && a.Type == m.by.Name:
				r.Args = append(r.Args, f.addressValue(m, paths, value))
			case a.Name == "params" && m.Params != nil:
				r.Args = append(r.Args, "params["+f.qualifyTypes(m.Params.Name)+"](c)")
			case a.Name == m.body:
				r.Args = append(r.Args, f.bodyValue(op.Object, a.Type))
			default:
				r.Args = append(r.Args, value(m.parameter(a.Name), a.Type))
			}
		}
		m.Routes = append(m.Routes, r)
	}
}

// parameter is the name of the parameter that an argument carries.
func (m *method) parameter(argument string) string {
	for _, p := range m.paths {
		if argName(p) == argument {
			return p
		}
	}
	for _, p := range m.required {
		if argName(p.Name) == argument {
			return p.Name
		}
	}
	return argument
}

// addressValue is the literal of the address that a request has.
func (f *family) addressValue(m *method, paths []string, value func(name, goType string) string) string {
	var fields []string
	for i, names := range m.by.Params {
		for _, name := range names {
			required := slices.ContainsFunc(m.required, func(p parameter) bool { return p.Name == name })
			if slices.Contains(paths, name) || required {
				fields = append(fields, m.by.Fields[i].Name+": "+value(name, "string"))
			}
		}
	}
	return f.qualifyTypes(m.by.Name) + "{" + strings.Join(fields, ", ") + "}"
}

// bodyValue is the expression that reads the body.
func (f *family) bodyValue(op spec.Object, goType string) string {
	switch bodyOf(op).kind {
	case multipartBody:
		return "parts[" + f.qualifyTypes(goType) + "](c)"
	case fileBody:
		return "file(c)"
	case jsonBody, formBody, noBody:
	}
	return "body[" + f.qualifyTypes(goType) + "](c)"
}
