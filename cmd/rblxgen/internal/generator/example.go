package generator

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"slices"
	"strings"
	"text/template"
)

// example renders the example of a family that has been rendered: a call of the
// simplest method, of those that read first.
func (f *family) example() ([]byte, error) {
	text, err := templates.ReadFile("templates/example.tmpl")
	if err != nil {
		return nil, err
	}
	t, err := template.New("example").Funcs(template.FuncMap{"qualify": f.qualify}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	m := slices.MinFunc(f.view.Methods, func(a, b *method) int {
		return cmp.Or(cmp.Compare(complexity(a), complexity(b)), cmp.Compare(a.Name, b.Name))
	})
	view := struct {
		Package, Name, Args, Result string
		Core                        bool // whether its types are needed
		Method                      *method
	}{Package: f.name, Name: f.goField(), Method: m}
	for _, a := range m.args {
		view.Args += ", " + f.literal(m, a)
	}
	if t := m.Result.Type; t != "" {
		view.Result = "nil, "
		if strings.HasPrefix(t, "*") {
			view.Result = "&" + f.qualifyTypes(t[1:]) + "{}, "
		}
	}
	view.Core = strings.Contains(m.Func()+view.Args, "opencloud.")
	var out bytes.Buffer
	if err := t.Execute(&out, view); err != nil {
		return nil, err
	}
	return format.Source(out.Bytes())
}

// complexity ranks methods by how much there is to say in an example.
func complexity(m *method) int {
	n := len(m.args)
	if m.verb != "GET" {
		n += 10
	}
	if m.Result.Type != "" && !strings.HasPrefix(m.Result.Type, "*") || strings.Contains(m.Result.Type, "json.") {
		n += 100 // no struct to return
	}
	return n
}

// literal is an argument of an example.
func (f *family) literal(m *method, a arg) string {
	switch {
	case m.by != nil && a.Type == m.by.Name:
		var fields []string
		for _, fl := range m.by.Fields {
			if fl.Name != m.by.Optional {
				fields = append(fields, fl.Name+`: "1"`)
			}
		}
		return f.qualifyTypes(a.Type) + "{" + strings.Join(fields, ", ") + "}"
	case a.Type == "string":
		return `"1"`
	case strings.HasPrefix(a.Type, "*"), strings.HasPrefix(a.Type, "[]"), a.Type == "any":
		return "nil"
	case a.Type == "bool":
		return "true"
	case a.Type == "int", a.Type == "int64", a.Type == "float64":
		return "1"
	case a.Name == m.body:
		return f.qualifyTypes(a.Type) + "{}"
	}
	return fmt.Sprintf("*new(%s)", f.qualifyTypes(a.Type))
}
