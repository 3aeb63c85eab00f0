package generator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// normalize rewrites what the source says in many ways into the one way that
// the rest of the generator knows: objects and enums have names, unions are any
// JSON, amounts of money are one type, an operation that goes on after its
// answer is marked as such.
func (f *family) normalize() {
	anyOfUnions(f.doc)
	f.money()
	f.background()
	for _, op := range spec.Operations(f.doc) {
		f.nameInline(op)
	}
}

// anyOfUnions makes a union any JSON: the one that there is has no
// discriminator.
func anyOfUnions(doc spec.Object) {
	spec.Visit(doc, func(o spec.Object) {
		for _, union := range []string{"oneOf", "anyOf"} {
			if spec.List(o, union) != nil {
				clear(o)
			}
		}
	})
}

// money replaces the messages Money and Decimal by formats, which typeMapping
// knows.
func (f *family) money() {
	formats := map[string]string{}
	for _, name := range spec.Keys(f.schemas()) {
		switch strings.Join(spec.Keys(spec.At(f.schemas(), name, "properties")), " ") {
		case "exponent significand":
			formats[name] = "rblx-decimal"
		case "currencyCode quantity":
			formats[name] = "rblx-money"
		}
	}
	spec.Visit(f.doc, func(o spec.Object) {
		name := strings.TrimPrefix(spec.Text(o, "$ref"), spec.RefPrefix)
		if format, is := formats[name]; is {
			delete(o, "$ref")
			o["type"], o["format"] = "string", format
		}
	})
	for name := range formats {
		delete(f.schemas(), name)
	}
}

// nameInline gives names to the objects and enums that stand in the operation
// itself.
func (f *family) nameInline(op spec.Operation) {
	id := spec.Text(op.Object, "operationId")
	if body := bodyOf(op.Object); body.schema != nil && body.kind != fileBody {
		if body.kind == multipartBody {
			body.schema["x-rblx-parts"] = true
		}
		f.nameSchema(body.schema, id+"Request")
	}
	responses := spec.At(op.Object, "responses")
	for _, status := range spec.Keys(responses) {
		content := spec.At(responses, status, "content")
		for _, kind := range spec.Keys(content) {
			if schema := spec.At(content, kind, "schema"); schema != nil {
				f.nameSchema(schema, id+"Response")
			}
		}
	}
	for _, e := range spec.List(op.Object, "parameters") {
		p, _ := e.(spec.Object)
		if schema := spec.At(p, "schema"); schema != nil && spec.Text(p, "in") != "path" {
			f.nameSchema(schema, id+GoName(spec.Text(p, "name")))
		}
	}
}

// nameSchema moves what needs a name to the components and leaves a reference.
func (f *family) nameSchema(schema spec.Object, name string) {
	for _, inner := range []string{"items", "additionalProperties"} {
		if s := spec.At(schema, inner); s != nil {
			f.nameSchema(s, name)
		}
	}
	props := spec.At(schema, "properties")
	if len(spec.List(schema, "enum")) == 0 && len(props) == 0 {
		return
	}
	for n := 2; spec.At(f.schemas(), name) != nil; n++ { // a name of the document is older
		name = fmt.Sprintf("%s%d", strings.TrimRight(name, "0123456789"), n)
	}
	f.schemas()[name] = maps.Clone(schema)
	clear(schema)
	schema["$ref"] = spec.RefPrefix + name
	for _, p := range spec.Keys(props) {
		f.nameSchema(spec.At(props, p), name+GoName(p))
	}
}

// bodyKind says how a request body is encoded.
type bodyKind int

const (
	noBody bodyKind = iota
	jsonBody
	formBody
	multipartBody
	fileBody // bytes as they are
)

// requestBody is what an operation takes.
type requestBody struct {
	kind        bodyKind
	schema      spec.Object
	contentType string
}

// bodyOf returns the operation's request body in the encoding that is used.
func bodyOf(op spec.Object) requestBody {
	content := spec.At(op, "requestBody", "content")
	for _, known := range []struct {
		contentType string
		kind        bodyKind
	}{{"application/json", jsonBody}, {"application/x-www-form-urlencoded", formBody}, {"multipart/form-data", multipartBody}} {
		if schema := spec.At(content, known.contentType, "schema"); schema != nil {
			return requestBody{known.kind, schema, known.contentType}
		}
	}
	for _, contentType := range spec.Keys(content) {
		return requestBody{fileBody, spec.At(content, contentType, "schema"), contentType}
	}
	return requestBody{}
}

// holder returns the part of a schema that refers to a type: the schema itself
// or what its items are.
func holder(schema spec.Object) spec.Object {
	for spec.Text(schema, "type") == "array" {
		schema = spec.At(schema, "items")
	}
	return schema
}

// refersTo reports whether the operation sends the type, at the top or as a
// part of a multipart body.
func (f *family) refersTo(op spec.Object, typeName string) bool {
	body := bodyOf(op)
	refs := spec.Refs(body.schema)
	if body.kind == multipartBody {
		for _, name := range refs {
			refs = append(refs, spec.Refs(spec.At(f.schemas(), name, "properties"))...)
		}
	}
	return slices.Contains(refs, typeName)
}
