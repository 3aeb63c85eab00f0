// Package generator turns the description in openapi into Go: it cuts the
// document into families, runs oapi-codegen over each with the templates of
// this package, and formats the result. It is deterministic and offline.
package generator

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

//go:embed templates
var templates embed.FS

// Generate reads openapi/*.yaml below root and returns the generated files by
// their slash-separated paths below root. It writes nothing.
func Generate(root string) (map[string][]byte, error) {
	doc, err := Description(root)
	if err != nil {
		return nil, err
	}
	oauth, err := spec.Read(filepath.Join(root, "openapi", "oauth.yaml"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var names []string
	for _, name := range Families(doc) {
		f, err := newFamily(doc, name)
		if err != nil {
			return nil, err
		}
		if files["api/"+name+"/"+name+".gen.go"], err = f.render(); err != nil {
			return nil, fmt.Errorf("family %s: %w", name, err)
		}
		if files["mocks/"+name+".gen.go"], err = f.mock(); err != nil {
			return nil, fmt.Errorf("mock of family %s: %w", name, err)
		}
		if files["api/"+name+"/example_gen_test.go"], err = f.example(); err != nil {
			return nil, fmt.Errorf("example of family %s: %w", name, err)
		}
		names = append(names, name)
	}
	if len(oauth) > 0 {
		if files["api/oauthv1/oauthv1.gen.go"], err = newOAuth(oauth).render(); err != nil {
			return nil, fmt.Errorf("oauthv1: %w", err)
		}
	}
	if len(names) > 0 {
		if files["api/client.gen.go"], err = renderIndex("api.tmpl", doc, names); err != nil {
			return nil, err
		}
		if files["mocks/stands_gen_test.go"], err = renderIndex("stands.tmpl", doc, names); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Description reads opencloud.yaml and lays overlay.yaml over it.
func Description(root string) (spec.Object, error) {
	doc, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		return nil, err
	}
	if len(doc) == 0 {
		return nil, errors.New("openapi/opencloud.yaml: missing or empty; rblxgen import FILE writes it")
	}
	overlay, err := spec.Read(filepath.Join(root, "openapi", "overlay.yaml"))
	if err != nil {
		return nil, err
	}
	if _, err := dropStale(root, doc, overlay); err != nil {
		return nil, err
	}
	// Three levels down stand operations (paths, path, verb) and schemas;
	// below those the overlay may add what it likes.
	if err := spec.Merge(doc, overlay, 3, "openapi/overlay.yaml: "); err != nil {
		return nil, err
	}
	describeFields(doc)
	return doc, nil
}

// describeFields gives fields and parameters without a sentence of their own
// the one that x-rblx-fields has for the parameter of that method, or else for
// all of their name on the wire.
func describeFields(doc spec.Object) {
	common := spec.At(doc, "x-rblx-fields")
	describe := func(o spec.Object, names ...string) {
		for _, name := range names {
			if d := spec.Text(common, name); d != "" && o["description"] == nil && o["$ref"] == nil {
				o["description"] = d
			}
		}
	}
	spec.Visit(doc["components"], func(o spec.Object) {
		props := spec.At(o, "properties")
		for _, p := range spec.Keys(props) {
			describe(spec.At(props, p), p)
		}
	})
	for _, op := range spec.Operations(doc) {
		for _, e := range spec.List(op.Object, "parameters") {
			if p, _ := e.(spec.Object); spec.Text(p, "in") != "path" {
				name := spec.Text(p, "name")
				describe(p, spec.Text(op.Object, "operationId")+"."+name, name)
			}
		}
	}
}

// Families lists the families of a description, sorted.
func Families(doc spec.Object) []string {
	seen := map[string]bool{}
	for _, op := range spec.Operations(doc) {
		for _, tag := range spec.Strings(op.Object, "tags") {
			seen[tag] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// codegenMu guards oapi-codegen, which keeps its state in package variables.
var codegenMu sync.Mutex //nolint:gochecknoglobals // guards another package's globals.

// render runs oapi-codegen over the family.
func (f *family) render() ([]byte, error) {
	text, err := json.Marshal(f.doc)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	codegenMu.Lock()
	defer codegenMu.Unlock()
	maps.Copy(codegen.TemplateFunctions, map[string]any{
		"package":   func() string { return f.packageComment() },
		"typeView":  f.typeView,
		"client":    f.clientView,
		"comment":   comment,
		"quote":     func(s string) string { return fmt.Sprintf("%q", s) },
		"hasPrefix": strings.HasPrefix,
		"argName":   argName,
	})
	config := codegen.Configuration{
		PackageName: f.name,
		Generate:    codegen.GenerateOptions{Models: true, Client: true},
		OutputOptions: codegen.OutputOptions{
			SkipPrune:     true, // the family was cut out with exactly what it needs
			UserTemplates: userTemplates(),
			TypeMapping:   f.typeMapping(),
		},
	}
	code, err := codegen.Generate(doc, config)
	if err != nil {
		return nil, err
	}
	return []byte(code), nil
}

// userTemplates returns the templates by the names oapi-codegen gives them.
// Those that would print what is printed elsewhere are blanked.
func userTemplates() map[string]string {
	out := map[string]string{}
	for _, blank := range []string{
		"client-with-responses.tmpl", "constants.tmpl", "param-types.tmpl", "request-bodies.tmpl",
		"additional-properties.tmpl", "union.tmpl", "union-and-additional-properties.tmpl",
	} {
		out[blank] = "{{\"\"}}\n"
	}
	entries, _ := templates.ReadDir("templates") // embedded: cannot fail
	for _, e := range entries {
		if slices.Contains([]string{"api.tmpl", "mock.tmpl", "stands.tmpl", "example.tmpl"}, e.Name()) {
			continue // rendered apart
		}
		text, _ := templates.ReadFile("templates/" + e.Name())
		out[e.Name()] = string(text)
	}
	return out
}

// typeMapping says which Go types carry the wire's formats.
func (f *family) typeMapping() *codegen.TypeMapping {
	s := func(t string) codegen.SimpleTypeSpec { return codegen.SimpleTypeSpec{Type: t} }
	m := &codegen.TypeMapping{
		Integer: codegen.FormatMapping{Default: s("int"), Formats: map[string]codegen.SimpleTypeSpec{
			"int32": s("int"), "int64": s("opencloud.Int64"),
		}},
		Number: codegen.FormatMapping{Default: s("float64"), Formats: map[string]codegen.SimpleTypeSpec{
			"float": s("float64"), "double": s("float64"),
		}},
		String: codegen.FormatMapping{Default: s("string"), Formats: map[string]codegen.SimpleTypeSpec{
			"date-time": s("time.Time"), "duration": s("opencloud.Duration"), "password": s("Secret"),
			"json": s("json.RawMessage"),
			"date": s("string"), "binary": s("opencloud.File"), "byte": s("[]byte"),
			"rblx-money": s("opencloud.Money"), "rblx-decimal": s("opencloud.Decimal"),
			"uuid": s("string"), "email": s("string"),
		}},
	}
	if f.oauth {
		m.Integer.Formats["int64"] = s("int64")
	}
	return m
}

// comment renders prose as a Go comment wrapped at 80 columns.
func comment(prose string) string {
	var out strings.Builder
	for i, para := range strings.Split(strings.TrimSpace(prose), "\n\n") {
		if i > 0 {
			out.WriteString("//\n")
		}
		line := "//"
		for word := range strings.FieldsSeq(para) {
			if len(line)+1+len(word) > 80 && line != "//" {
				out.WriteString(line + "\n")
				line = "//"
			}
			line += " " + word
		}
		out.WriteString(line + "\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}
