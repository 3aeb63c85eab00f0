package generator

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"text/template"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// renderIndex renders package api: one value with a field per family.
func renderIndex(doc spec.Object, names []string) ([]byte, error) {
	type entry struct{ Package, Field, Doc string }
	var entries []entry
	for _, name := range names {
		facts := spec.At(doc, "x-rblx-families", name)
		e := entry{Package: name, Field: spec.Text(facts, "field"), Doc: spec.Text(facts, "description")}
		if e.Field == "" {
			e.Field = GoName(name)
		}
		entries = append(entries, e)
	}
	if i := slices.IndexFunc(entries, func(e entry) bool { return e.Doc == "" }); i >= 0 {
		return nil, fmt.Errorf("openapi/overlay.yaml: x-rblx-families/%s/description is missing", entries[i].Package)
	}
	text, err := templates.ReadFile("templates/api.tmpl")
	if err != nil {
		return nil, err
	}
	t, err := template.New("api").Funcs(template.FuncMap{"comment": comment}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, entries); err != nil {
		return nil, err
	}
	return format.Source(out.Bytes())
}
