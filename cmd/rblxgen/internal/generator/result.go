package generator

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// result is what a method returns beside an error.
type result struct {
	Type string // in Go; "" is nothing
	Func string // what makes the call: "opencloud.Do[User]"; it takes the method and the request
	Zero string // of Type
}

// result plans what the operation's method returns. op is cut and normalized.
func (f *family) result(op spec.Object) (result, error) {
	schema, headers, err := success(op)
	if err != nil {
		return result{}, err
	}
	if spec.Text(op, "x-rblx-poll") != "" {
		t := "struct{}" // an empty message
		if schema != nil {
			t = strings.TrimPrefix(f.goType(schema), "*")
		}
		return result{"*opencloud.Operation[" + t + "]", "opencloud.Start[" + t + "]", "nil"}, nil
	}
	if len(headers) > 0 && schema != nil {
		return f.headed(op, schema, headers)
	}
	switch {
	case spec.Text(schema, "format") == rawFormat:
		return result{"[]byte", "opencloud.Raw", "nil"}, nil
	case schema == nil:
		return result{Func: "opencloud.Exec"}, nil
	case schema["$ref"] != nil && len(spec.At(f.schemas(), spec.Refs(schema)[0], "properties")) > 0:
		t := spec.Refs(schema)[0]
		return result{"*" + t, "opencloud.Do[" + t + "]", "nil"}, nil
	}
	t := f.goType(schema)
	zero := "*new(" + t + ")"
	switch enum := spec.At(f.schemas(), t); {
	case strings.HasPrefix(t, "[]"), strings.HasPrefix(t, "map["), t == "json.RawMessage":
		zero = "nil"
	case t == "string":
		zero = `""`
	case spec.Text(enum, "type") == "string":
		zero = t + `("")`
	case spec.Text(enum, "type") == "integer":
		zero = t + "(0)"
	}
	return result{t, "opencloud.Value[" + t + "]", zero}, nil
}

// rawFormat marks an answer that is not JSON and is handed on as it is.
const rawFormat = "rblx-raw"

// success returns the schema of the operation's success, nil if it answers
// nothing worth decoding, and the headers that come with it.
func success(op spec.Object) (schema, headers spec.Object, err error) {
	for _, status := range spec.Keys(spec.At(op, "responses")) {
		if status[0] != '2' {
			continue
		}
		response := spec.At(op, "responses", status)
		if h := spec.At(response, "headers"); h != nil {
			headers = h
		}
		content := spec.At(response, "content")
		found := spec.At(content, "application/json", "schema")
		if found == nil {
			if len(content) > 0 {
				found = spec.Object{"type": "string", "format": rawFormat}
			} else {
				continue
			}
		}
		if schema != nil {
			return nil, nil, errors.New("answers success in more than one shape")
		}
		schema = found
	}
	return schema, headers, nil
}

// goType writes a schema of an answer down in Go.
func (f *family) goType(schema spec.Object) string {
	if ref := spec.Refs(spec.Object{"$ref": schema["$ref"]}); len(ref) == 1 {
		return ref[0]
	}
	mapping := f.typeMapping()
	format := spec.Text(schema, "format")
	switch spec.Text(schema, "type") {
	case "array":
		return "[]" + f.goType(spec.At(schema, "items"))
	case "string":
		if t, ok := mapping.String.Formats[format]; ok {
			return t.Type
		}
		return "string"
	case "integer":
		if t, ok := mapping.Integer.Formats[format]; ok {
			return t.Type
		}
		return "int"
	case "number":
		return "float64"
	case "boolean":
		return "bool"
	}
	return "json.RawMessage"
}

// headedType is a struct of an answer's body and headers.
type headedType struct {
	Name, Doc string
	Fields    []field // the first is the body; Wire names headers
	Time      bool    // whether one is a time
}

// headed plans the result of an operation whose answer has data in its headers
// too. Operations that the overlay gives the same x-rblx-result share the type.
func (f *family) headed(op, schema, headers spec.Object) (result, error) {
	name := spec.Text(op, "x-rblx-result")
	if name == "" {
		name = spec.Text(op, "operationId") + "Response"
	}
	t := headedType{Name: name, Fields: []field{{Name: "Value", Type: f.goType(schema), Doc: "Value is the answer's body. The other fields are headers."}}}
	for _, h := range spec.Keys(headers) {
		o := spec.At(headers, h)
		fl := field{Wire: h, Name: spec.Text(o, "x-go-name"), Doc: "", Type: "string"}
		if fl.Name == "" {
			fl.Name = GoName(strings.TrimPrefix(plainHeader(h), "roblox-"))
		}
		switch spec.Text(spec.At(o, "schema"), "format") {
		case "date-time":
			fl.Type, t.Time = "time.Time", true
		case "json":
			fl.Type = "json.RawMessage"
		}
		fl.Doc = fl.Name + " is the header " + h + "."
		if d := spec.Text(o, "description"); d != "" {
			fl.Doc = fl.Name + " " + d
		}
		t.Fields = append(t.Fields, fl)
	}
	t.Doc = name + " is what comes with a value: its body and headers."
	if d := spec.Text(op, "x-rblx-result-description"); d != "" {
		t.Doc = name + " " + d
	}
	if err := distinct(t.Fields); err != nil {
		return result{}, err
	}
	if old, has := f.headedTypes[name]; has && len(old.Fields) != len(t.Fields) {
		return result{}, fmt.Errorf("x-rblx-result: %s has other headers elsewhere", name)
	}
	if spec.At(f.schemas(), name) != nil {
		return result{}, fmt.Errorf("x-rblx-result: the family has a type %s already", name)
	}
	f.headedTypes[name] = t
	return result{"*" + name, "opencloud.DoFunc", "nil"}, nil
}
