package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/getkin/kin-openapi/openapi3"

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
}

// Import reads a document and the files of the import before it below root.
// It writes nothing.
func Import(root string, source []byte, o Options) (*Result, error) {
	doc, err := parse(source)
	if err != nil {
		return nil, err
	}
	before, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		return nil, err
	}
	pins, err := spec.Read(filepath.Join(root, "openapi", "names.yaml"))
	if err != nil {
		return nil, err
	}
	census := newCensus(doc, source, o.Date)
	for _, p := range passes() {
		p.apply(doc)
	}
	n := &names{doc: pins}
	out, err := arrange(doc, n, census)
	if err != nil {
		return nil, err
	}
	if o.Strict && len(n.added) > 0 {
		return nil, fmt.Errorf("names.yaml has no name for %d things, the first: %s", len(n.added), n.added[0])
	}
	gone := keepOld(out, before, o)
	if err := validate(out); err != nil {
		return nil, err
	}
	r := &Result{Files: map[string][]byte{}, Warnings: append(n.added, gone...)}
	census.count(out)
	for _, f := range []struct {
		name, comment string
		content       any
	}{
		{"openapi/opencloud.yaml", "Written by rblxgen import; corrections go to overlay.yaml.\nRoblox's Open Cloud as this module generates it: names, types, scopes and limits, no prose.", out},
		{"openapi/names.yaml", "The names that users of the module know, by what Roblox's document calls things.\nrblxgen import adds to it. A name that stands here never changes.", pins},
	} {
		text, err := spec.Encode(f.comment, f.content)
		if err != nil {
			return nil, err
		}
		r.Files[f.name] = text
	}
	text, err := json.MarshalIndent(census, "", "  ")
	if err != nil {
		return nil, err
	}
	r.Files["openapi/census.json"] = append(text, '\n')
	return r, nil
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
