package generator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// typeView is one type declaration as typedef.tmpl prints it.
type typeView struct {
	Name, Doc string
	Struct    bool
	Fields    []field
	Base      string // of a type that is no struct
	Values    []value
	Mask      bool   // whether set fields make an update mask
	MaskOf    string // the field whose set fields make it instead
	Form      bool   // whether it travels as a form
	Parts     bool   // whether it travels as a multipart body
	Repeats   string // the path parameter that its JSON part repeats
}

// Repeated is the Go name of what the JSON part repeats, "" if it is not in the field.
func (v typeView) Repeated(fl field) string {
	if v.Repeats == "" || fl.Name != v.MaskOf {
		return ""
	}
	return GoName(v.Repeats)
}

// field is one field of a struct.
type field struct {
	Name, Wire, Type, Tag, Doc string
	Always                     bool // whether it is sent even if it is zero
	Must                       bool // whether Roblox refuses a request without it
}

// typeView turns oapi-codegen's view of a schema into ours.
func (f *family) typeView(td codegen.TypeDefinition) (typeView, error) {
	v := typeView{Name: td.TypeName, Doc: f.typeDoc(td.TypeName), Base: td.Schema.TypeDecl()}
	if v.Base = strings.ReplaceAll(v.Base, "interface{}", "any"); f.roles[v.Name] == response {
		v.Base = strings.ReplaceAll(v.Base, "any", "json.RawMessage")
	}
	schema := spec.At(f.schemas(), td.TypeName)
	if schema == nil {
		return v, fmt.Errorf("%s: an inline schema; the importer gives every schema a name", td.JsonName)
	}
	if len(spec.List(schema, "enum")) > 0 {
		v.Values = f.constants(v.Name, schema)
		return v, nil
	}
	if len(td.Schema.Properties) == 0 {
		return v, nil
	}
	v.Struct = true
	order := spec.Strings(schema, "x-rblx-order")
	props := slices.Clone(td.Schema.Properties)
	slices.SortStableFunc(props, func(a, b codegen.Property) int {
		return cmp.Compare(rank(order, a.JsonFieldName), rank(order, b.JsonFieldName))
	})
	r := f.roles[v.Name]
	for _, p := range props {
		prop := spec.At(schema, "properties", p.JsonFieldName)
		v.Fields = append(v.Fields, f.field(p, prop, r, spec.Flag(schema, "x-rblx-parts")))
	}
	v.Mask, v.Form, v.Parts = r == update && f.masked(v.Name), r == request && f.oauth, spec.Flag(schema, "x-rblx-parts")
	if v.Parts && v.Mask {
		v.Mask = false
		for _, fl := range v.Fields {
			if spec.At(f.schemas(), strings.TrimPrefix(fl.Type, "*"), "properties") != nil {
				v.MaskOf = fl.Name
			}
		}
		v.Repeats = f.repeats(v.Name)
	}
	return v, nil
}

// rank orders the properties as the source does, new ones last.
func rank(order []string, name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// field decides name, type and tag of one property.
func (f *family) field(p codegen.Property, prop spec.Object, r role, parts bool) field {
	out := field{Wire: wireName(prop, p.JsonFieldName), Name: fieldName(prop, p.JsonFieldName), Type: p.Schema.TypeDecl()}
	if out.Type == "interface{}" {
		if out.Type = "any"; r == response {
			out.Type = "json.RawMessage"
		}
	}
	out.Type = strings.ReplaceAll(out.Type, "interface{}", "any")
	if r != response { // what is sent has one form
		out.Type = strings.ReplaceAll(out.Type, "opencloud.Int64", "int64")
	}
	scalar := !strings.HasPrefix(out.Type, "[]") && !strings.HasPrefix(out.Type, "map[") && out.Type != "any"
	omit := ",omitzero"
	switch {
	case out.Type == "opencloud.File":
		out.Always = p.Required && r == request // a call without Content is refused
	case p.Required && !scalar && r == request: // nil would be null, which is worse than nothing
		out.Always = parts
	case p.Required && (r == request || parts && spec.Refs(prop) != nil):
		out.Always, omit = true, ""
	case r == request && scalar && f.zeroMeans(prop), r == update && scalar:
		out.Type = "*" + out.Type
	case f.oauth:
		omit = ""
	}
	out.Tag = fmt.Sprintf(`json:"%s%s"`, out.Wire, omit)
	place := "on the wire"
	if parts {
		out.Tag = fmt.Sprintf("form:%q", out.Wire)
		place = "in the form"
	}
	out.Must = p.Required && r == request
	out.Doc = f.fieldDoc(out, prop, place)
	return out
}

// fieldName is the pinned name of a property, or the one its name on the wire
// gives.
func fieldName(prop spec.Object, wire string) string {
	if pin := spec.Text(prop, "x-go-name"); pin != "" {
		return pin
	}
	return GoName(wire)
}

// wireName is what a property or a parameter is called on the wire: another name
// than in the description where Roblox has changed the spelling.
func wireName(o spec.Object, name string) string {
	if wire := spec.Text(o, "x-rblx-wire"); wire != "" {
		return wire
	}
	return name
}

// masked reports whether an operation that sends the type has an updateMask.
func (f *family) masked(typeName string) bool {
	for _, op := range spec.Operations(f.doc) {
		if f.refersTo(op.Object, typeName) && parameterOf(op.Object, "query", "updateMask") != nil {
			return true
		}
	}
	return false
}

// repeats is the path parameter that an operation wants in the type too.
func (f *family) repeats(typeName string) string {
	for _, op := range spec.Operations(f.doc) {
		if name := spec.Text(op.Object, "x-rblx-repeats"); name != "" && f.refersTo(op.Object, typeName) {
			return name
		}
	}
	return ""
}

// parameterOf returns the operation's parameter of that name, or nil.
func parameterOf(op spec.Object, in, name string) spec.Object {
	for _, p := range spec.List(op, "parameters") {
		if o, _ := p.(spec.Object); spec.Text(o, "in") == in && spec.Text(o, "name") == name {
			return o
		}
	}
	return nil
}
