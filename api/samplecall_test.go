package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/internal/sample"
)

// caller is a client whose methods send what samples send.
type caller struct {
	methods map[string]reflect.Value // by verb and path, whose parameters have no names
	sent    *[]request
}

func newCaller(t *testing.T) caller {
	t.Helper()
	core, sent := recorder(t)
	c := caller{map[string]reflect.Value{}, sent}
	for name, call := range methods(core) {
		call.Call(sample.Maker{Make: marker()}.Args(call, t.Context()))
		if len(*sent) == 0 {
			t.Fatal(name, "sent nothing")
		}
		m := (*sent)[len(*sent)-1].method
		c.methods[unnamed(m.Verb+" "+m.Path)] = call
	}
	return c
}

// unnamed drops the names of a path's parameters, which differ from document to
// document.
func unnamed(path string) string { return regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, "{}") }

// call calls the method as the sample does and returns what is sent.
func (c caller) call(ctx context.Context, method reflect.Value, s codeSample) (request, error) {
	args, err := c.arguments(ctx, method, s)
	if err != nil {
		return request{}, err
	}
	*c.sent = nil
	out := method.Call(args)
	if len(*c.sent) != 1 {
		return request{}, fmt.Errorf("its parameters cannot be sent: %v", out[len(out)-1])
	}
	return (*c.sent)[0], nil
}

// marker makes arguments that are found again in what is sent. The texts are in
// reach of no default.
func marker() func(reflect.Type, string) (reflect.Value, bool) {
	n := 70000
	return func(t reflect.Type, _ string) (reflect.Value, bool) {
		v := reflect.New(t).Elem()
		switch t.Kind() {
		case reflect.String:
			n++
			v.SetString(strconv.Itoa(n))
		case reflect.Int, reflect.Int64:
			n++
			v.SetInt(int64(n))
		default:
			return v, false
		}
		return v, true
	}
}

// place is where a text stands in a request, as a key for the same place in
// another one: a number of a segment of the path, or a query's or header's name.
func (r request) place(text string) string {
	for i, segment := range segments(r.URL.EscapedPath()) {
		if segment == text {
			return "path " + strconv.Itoa(i)
		}
	}
	for name, values := range r.URL.Query() {
		if values[0] == text {
			return "query " + name
		}
	}
	for name, values := range r.Header {
		if values[0] == text {
			return "header " + name
		}
	}
	return ""
}

// at is what the sample has in that place, "" if it has nothing there.
func (s codeSample) at(place string) string {
	kind, name, _ := strings.Cut(place, " ")
	switch kind {
	case "path":
		if i, _ := strconv.Atoi(name); i < len(segments(s.path)) {
			return segments(s.path)[i]
		}
	case "query":
		return s.query.Get(name)
	case "header":
		return s.header.Get(name)
	}
	return ""
}

// segments splits a path, also before the verb in {id}:verb.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == ':' })
}

// arguments are those with which the method sends what the sample sends.
func (c caller) arguments(ctx context.Context, method reflect.Value, s codeSample) ([]reflect.Value, error) {
	probe := sample.Maker{Make: marker()}.Args(method, ctx)
	args := []reflect.Value{probe[0]}
	*c.sent = nil
	method.Call(probe)
	sent := (*c.sent)[0]
	for _, marked := range probe[1:] {
		arg := reflect.New(marked.Type()).Elem()
		switch typ := arg.Type(); {
		case typ.Kind() == reflect.String, typ.Kind() == reflect.Int, typ.Kind() == reflect.Int64:
			if err := setText(arg, s.at(sent.place(fmt.Sprint(marked)))); err != nil {
				return nil, err
			}
		case typ.Kind() == reflect.Struct && sample.IsAddress(typ):
			for i := range typ.NumField() {
				arg.Field(i).SetString(s.at(sent.place(marked.Field(i).String())))
			}
		case typ.Kind() == reflect.Pointer && strings.HasSuffix(typ.Elem().Name(), "Params"):
			arg.Set(reflect.New(typ.Elem()))
			if err := setParams(arg.Elem(), s); err != nil {
				return nil, err
			}
		case typ == reflect.TypeFor[opencloud.File]():
			arg.Set(reflect.ValueOf(opencloud.File{ContentType: s.header.Get("Content-Type"), Content: strings.NewReader(s.body)}))
		case isForm(typ):
			setParts(arg, s.form())
		case s.hasBody:
			setJSON(arg, s.body)
		}
		args = append(args, arg)
	}
	return args, nil
}

// setParams sets optional parameters.
func setParams(params reflect.Value, s codeSample) error {
	for i := range params.NumField() {
		tag := params.Type().Field(i).Tag
		text := s.at("query " + tag.Get("query"))
		if name, is := tag.Lookup("header"); is {
			text = s.at("header " + name)
		}
		if err := setText(params.Field(i), text); err != nil {
			return err
		}
	}
	return nil
}

// isForm reports whether the type is sent in parts.
func isForm(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Tag.Get("form") != ""
}

// form is the form that the sample sends, or one of what it sends in JSON
// instead.
func (s codeSample) form() []formPart {
	var fields map[string]json.RawMessage
	if s.parts != nil || json.Unmarshal([]byte(s.body), &fields) != nil {
		return s.parts
	}
	var out []formPart
	for name, value := range fields {
		out = append(out, formPart{name: name, text: strings.Trim(string(value), `"`)})
	}
	return out
}

// setParts sets the fields of a form.
func setParts(form reflect.Value, parts []formPart) {
	for i := range form.NumField() {
		field, name := form.Field(i), form.Type().Field(i).Tag.Get("form")
		for _, p := range parts {
			switch {
			case p.name != name:
			case field.Type() == reflect.TypeFor[opencloud.File]():
				field.Set(reflect.ValueOf(opencloud.File{Name: p.filename, ContentType: p.contentType, Content: strings.NewReader(p.text)}))
			case field.Kind() == reflect.String:
				field.SetString(p.text)
			default:
				setJSON(field, p.text)
			}
		}
	}
}

// setJSON decodes the text, and a number in quotation marks as a number. What is
// not of the type is left out, and so missing from what is compared.
func setJSON(v reflect.Value, text string) {
	for {
		e, ok := errors.AsType[*json.UnmarshalTypeError](json.Unmarshal([]byte(text), v.Addr().Interface()))
		if !ok || e.Value != "string" {
			return
		}
		end := int(e.Offset)
		start := strings.LastIndex(text[:end-1], `"`)
		if _, err := strconv.ParseFloat(text[start+1:end-1], 64); err != nil {
			return
		}
		text = text[:start] + text[start+1:end-1] + text[end:]
	}
}

// setText sets a value to what the text says: a text, or JSON.
func setText(v reflect.Value, text string) error {
	switch {
	case text == "":
		return nil
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.String:
		v.Set(reflect.New(v.Type().Elem()))
		v.Elem().SetString(text)
		return nil
	case v.Kind() == reflect.String:
		v.SetString(text)
		return nil
	}
	return json.Unmarshal([]byte(text), v.Addr().Interface())
}
