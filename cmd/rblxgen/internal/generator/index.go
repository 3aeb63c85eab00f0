package generator

import (
	"bytes"
	"fmt"
	"go/format"
	"text/template"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// renderIndex renders a template over all families: package api, one value with
// a field per family, or the list of stand-ins for the tests of package mocks.
func renderIndex(name string, doc spec.Object, names []string) ([]byte, error) {
	type entry struct{ Package, Field, Doc string }
	var entries []entry
	for _, name := range names {
		f := family{name: name, facts: spec.At(doc, "x-rblx-families", name)}
		e := entry{name, f.goField(), spec.Text(f.facts, "description")}
		if e.Doc == "" {
			return nil, fmt.Errorf("openapi/overlay.yaml: x-rblx-families/%s/description is missing", name)
		}
		entries = append(entries, e)
	}
	text, err := templates.ReadFile("templates/" + name)
	if err != nil {
		return nil, err
	}
	t, err := template.New(name).Funcs(template.FuncMap{"comment": comment}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, entries); err != nil {
		return nil, err
	}
	return format.Source(out.Bytes())
}
