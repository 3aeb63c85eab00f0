package importer

import (
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// hoist gives enums and objects that stand inside the schema names of their
// own, so that every generated type has a pinned one.
func (a *arrangement) hoist(family, goName string, schema spec.Object) {
	props := spec.At(schema, "properties")
	for _, p := range spec.Keys(props) {
		a.hoistOne(family, goName+"."+p, derivePart(goName, p, noun(family)), spec.At(props, p))
	}
}

// hoistOne moves what stands at a place to a schema of its own, if it needs a
// name, or else what is in its lists and maps.
func (a *arrangement) hoistOne(family, place, derived string, schema spec.Object) {
	if len(spec.List(schema, "enum")) == 0 && len(spec.At(schema, "properties")) == 0 {
		for _, k := range []string{"items", "additionalProperties"} {
			if inner := spec.At(schema, k); inner != nil {
				a.hoistOne(family, place, derived, inner)
			}
		}
		return
	}
	goName := a.names.part(family, place, derived)
	inner, direction := spec.Clone(schema), spec.Object{}
	for _, k := range []string{"readOnly", "writeOnly", "x-immutable", "x-go-name", "x-rblx-wire"} {
		if v, has := inner[k]; has {
			direction[k] = v
			delete(inner, k)
		}
	}
	clear(schema)
	pointTo(schema, spec.RefPrefix+family+"."+goName, direction)
	if same := spec.List(spec.At(a.schemas, family+"."+goName), "enum"); len(same) > 0 { // it stands in several places
		values := spec.List(inner, "enum")
		for _, v := range same {
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		inner["enum"] = values
	}
	a.schemas[family+"."+goName] = inner
	respellProperties(inner, spec.At(a.names.before, family+"."+goName))
	a.names.fields(family, goName, inner)
	a.hoist(family, goName, inner)
}

// hoistParameters gives the enums of parameters names of their own.
func (a *arrangement) hoistParameters(pin operation, op spec.Operation) {
	for _, e := range spec.List(op.Object, "parameters") {
		p, _ := e.(spec.Object)
		name := spec.Text(p, "name")
		if schema := spec.At(p, "schema"); schema != nil {
			a.hoistOne(pin.Family, op.Key()+"?"+name, pin.As+generator.GoName(name), schema)
		}
	}
}

// hoistBodies gives inline request and response objects names of their own.
func (a *arrangement) hoistBodies(pin operation, op spec.Operation) {
	content := spec.At(op.Object, "requestBody", "content")
	for _, t := range spec.Keys(content) {
		if schema := spec.At(content, t, "schema"); schema != nil {
			a.hoistOne(pin.Family, op.Key()+" request", pin.As+"Request", schema)
			if name, ok := strings.CutPrefix(spec.Text(schema, "$ref"), spec.RefPrefix); ok && strings.HasPrefix(t, "multipart/") {
				spec.At(a.schemas, name)["x-rblx-parts"] = true
			}
		}
	}
	responses := spec.At(op.Object, "responses")
	for _, status := range spec.Keys(responses) {
		if schema := spec.At(responses, status, "content", "application/json", "schema"); schema != nil {
			a.hoistOne(pin.Family, op.Key()+" response", pin.As+"Response", schema)
		}
	}
}
