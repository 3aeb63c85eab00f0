package importer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// trial generates every family that is not what it was, so that an import never
// leaves behind what cannot be generated. An operation that the generator
// refuses goes back to what it was before, or else is left out.
func trial(out, before, overlay spec.Object, census *Census) error {
	old, err := lay(before, overlay)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rblxgen")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's to clear away if we cannot
	laid, err := lay(out, overlay)
	if err != nil {
		return err
	}
	for _, family := range generator.Families(out) {
		for {
			part := cut(laid, family)
			if reflect.DeepEqual(part, cut(old, family)) {
				break // generated before
			}
			refusal := generate(dir, part)
			if refusal == nil {
				break
			}
			op := refused(out, refusal)
			if op == nil || census.Skipped[op.Key()] != "" {
				return fmt.Errorf("the description cannot be generated: %w", refusal)
			}
			census.Skipped[op.Key()] = strings.ReplaceAll(refusal.Error(), "\n", " ")
			verb := strings.ToLower(op.Verb)
			if was := spec.At(before, "paths", op.Path, verb); was != nil {
				put(spec.At(out, "paths"), *op, spec.Clone(was))
				m := merger{schemas: spec.At(out, "components", "schemas"), old: spec.At(before, "components", "schemas")}
				m.copied(was)
			} else if item := spec.At(out, "paths", op.Path); item != nil {
				if delete(item, verb); len(item) == 0 {
					delete(spec.At(out, "paths"), op.Path)
				}
			}
			if laid, err = lay(out, overlay); err != nil {
				return err
			}
		}
	}
	return nil
}

// lay returns the description under its corrections, those of what it does not
// have left out.
func lay(out, overlay spec.Object) (spec.Object, error) {
	meant := spec.Clone(overlay)
	keepMeant(meant, out)
	laid := spec.Clone(out)
	return laid, spec.Merge(laid, meant, 0, "openapi/overlay.yaml: ")
}

// cut returns the part of the description that a family is generated from.
func cut(laid spec.Object, family string) spec.Object {
	paths := spec.Object{}
	for _, op := range spec.Operations(laid) {
		// Families may point to those that ask how work stands.
		if slices.Contains(spec.Strings(op.Object, "tags"), family) || strings.Contains(op.Path, "/operations/") {
			put(paths, op, op.Object)
		}
	}
	all, schemas := spec.At(laid, "components", "schemas"), spec.Object{}
	for _, name := range spec.Reachable(paths, all) {
		schemas[name] = all[name]
	}
	return spec.Object{"paths": paths, "components": spec.Object{"schemas": schemas}, "x-rblx-families": laid["x-rblx-families"]}
}

// generate generates a family below dir and throws it away.
func generate(dir string, family spec.Object) error {
	text, err := json.Marshal(family)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "openapi"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi", "opencloud.yaml"), text, 0o600); err != nil {
		return err
	}
	_, err = generator.Generate(dir)
	return err
}

// refused returns the operation that the generator's error names, or nil.
func refused(out spec.Object, err error) *spec.Operation {
	var found *spec.Operation
	for _, op := range spec.Operations(out) {
		if strings.Contains(err.Error(), op.Key()+":") && (found == nil || len(op.Path) > len(found.Path)) {
			found = &op
		}
	}
	return found
}
