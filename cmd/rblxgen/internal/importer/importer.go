package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Options say how to import.
type Options struct {
	Date   string // of the document, for census.json and deprecations
	Prune  bool   // drop operations that the document no longer has
	Strict bool   // fail where a name would have to be derived
}

// Result is what an import produces.
type Result struct {
	Files    map[string][]byte // by path below the module's root
	Warnings []string
	Census   *Census
}

// Import reads a document and the files of the import before it below root.
// It writes nothing.
func Import(root string, source []byte, o Options) (*Result, error) {
	doc, err := parse(source)
	if err != nil {
		return nil, err
	}
	openapi := func(name string) (spec.Object, error) { return spec.Read(filepath.Join(root, "openapi", name)) }
	before, err := openapi("opencloud.yaml")
	if err != nil {
		return nil, err
	}
	overlay, err := openapi("overlay.yaml")
	if err != nil {
		return nil, err
	}
	pins, err := openapi("names.yaml")
	if err != nil {
		return nil, err
	}
	census := newCensus(source, o.Date)
	census.Operations.Total = len(spec.Operations(doc))
	whole := spec.Object{"paths": clonePaths(doc)}
	census.Redundant = applyPasses(doc)
	census.Operations.Accepted = len(spec.Operations(doc))
	n := &names{
		doc: pins, source: spec.At(doc, "components", "schemas"), before: spec.At(before, "components", "schemas"),
		places: typesByPlace(before), used: map[string]string{},
	}
	out := arrange(doc, n, census)
	laid, err := lay(before, overlay)
	if err != nil {
		return nil, err
	}
	warnings := keepOld(out, before, laid, whole, n, o)
	if err := validate(out); err != nil {
		return nil, err
	}
	if err := oneTypes(out, laid, overlay); err != nil {
		return nil, err
	}
	families(out)
	if err := trial(out, before, overlay, census); err != nil {
		return nil, err
	}
	if err := n.iterators(out, overlay); err != nil {
		return nil, err
	}
	if o.Strict && len(n.added) > 0 {
		return nil, fmt.Errorf("names.yaml has no name for %d things, the first: %s", len(n.added), n.added[0])
	}
	census.count(out)
	r := &Result{Files: map[string][]byte{}, Warnings: append(n.added, warnings...), Census: census}
	return r, r.encode(out, pins, census)
}

// oneTypes marks the types that travel both ways, those of before first: from
// now on they stay one type.
func oneTypes(out, laidBefore, overlay spec.Object) error {
	laid := laidBefore
	for range 2 {
		names, err := generator.OneTypes(laid)
		if err != nil {
			return err
		}
		for _, name := range names {
			if schema := spec.At(out, "components", "schemas", name); schema != nil {
				schema["x-rblx-one-type"] = true
			}
		}
		if laid, err = lay(out, overlay); err != nil {
			return err
		}
	}
	return nil
}

// encode fills in the files.
func (r *Result) encode(out, pins spec.Object, census *Census) error {
	for _, f := range []struct {
		name, comment string
		content       any
	}{
		{"openapi/opencloud.yaml", "Written by rblxgen import; corrections go to overlay.yaml.\nRoblox's Open Cloud as this module generates it: names, types, scopes and limits, no prose.", out},
		{"openapi/names.yaml", "The names that users of the module know, by what Roblox's document calls things.\nrblxgen import adds to it. A name that stands here never changes.", pins},
	} {
		text, err := spec.Encode(f.comment, f.content)
		if err != nil {
			return err
		}
		r.Files[f.name] = text
	}
	text, err := json.MarshalIndent(census, "", "  ")
	r.Files["openapi/census.json"] = append(text, '\n')
	return err
}

// clonePaths keeps which operations the document has, whoever may call them.
func clonePaths(doc spec.Object) spec.Object {
	out := spec.Object{}
	for _, op := range spec.Operations(doc) {
		put(out, op, spec.Object{})
	}
	return out
}

// families says something about every family, for those that overlay.yaml does
// not know yet.
func families(out spec.Object) {
	all := spec.Object{}
	for _, op := range spec.Operations(out) {
		for _, family := range spec.Strings(op.Object, "tags") {
			all[family] = spec.Object{"description": "calls the " + family + " operations of Roblox's Open Cloud."}
		}
	}
	if len(all) > 0 {
		out["x-rblx-families"] = all
	}
}

// validate makes sure that what came out is an OpenAPI document.
func validate(doc spec.Object) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return err
	}
	return loaded.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation())
}
