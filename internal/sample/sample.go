// Package sample makes up arguments and results for tests that go over every
// method of every client.
package sample

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/rblx-go/opencloud"
)

// Maker makes values. The zero Maker fills everything in.
type Maker struct {
	// Unset leaves optional things out: pointers, lists, maps, texts and times.
	Unset bool
	// Zero sets pointers to zero values, and lists to empty ones.
	Zero bool
	// Make may know a better value of a type; name is that of the field or "".
	Make func(t reflect.Type, name string) (reflect.Value, bool)
}

// maxDepth ends types that contain themselves.
const maxDepth = 8

// Of makes a value of the type.
func (m Maker) Of(t reflect.Type) reflect.Value { return m.of(t, "", 0) }

// Args makes arguments for a method value whose first parameter is a context.
func (m Maker) Args(method reflect.Value, ctx any) []reflect.Value {
	args := []reflect.Value{reflect.ValueOf(ctx)}
	for i := 1; i < method.Type().NumIn(); i++ {
		t := method.Type().In(i)
		if t.Kind() == reflect.String || t.Kind() == reflect.Slice || t == reflect.TypeFor[opencloud.File]() || t.Kind() == reflect.Struct && IsAddress(t) {
			args = append(args, Maker{Make: m.Make}.of(t, "", 0)) // no call can do without
			continue
		}
		args = append(args, m.of(t, "", 0))
	}
	return args
}

// IsAddress reports whether the struct carries path parameters: it has texts
// without tags alone.
func IsAddress(t reflect.Type) bool {
	for f := range t.Fields() {
		if f.Tag != "" || f.Type.Kind() != reflect.String {
			return false
		}
	}
	return t.NumField() > 0
}

func (m Maker) of(t reflect.Type, name string, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	if depth > maxDepth {
		return v
	}
	if m.Make != nil && !m.Unset {
		if made, ok := m.Make(t, name); ok {
			return made
		}
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return m.leaf(v, time.Date(2026, 8, 11, 1, 2, 3, 829412600, time.UTC))
	case reflect.TypeFor[opencloud.Duration]():
		return m.leaf(v, opencloud.Duration(1500*time.Millisecond))
	case reflect.TypeFor[json.RawMessage]():
		return m.leaf(v, json.RawMessage(`{"a":[1]}`))
	case reflect.TypeFor[[]byte]():
		return m.leaf(v, []byte("\x00\xffbytes"))
	case reflect.TypeFor[any]():
		return m.leaf(v, "any")
	case reflect.TypeFor[opencloud.File]():
		return Maker{Unset: m.Unset}.leaf(v, opencloud.File{Name: "a.png", ContentType: "image/png", Content: strings.NewReader("content")})
	}
	switch t.Kind() {
	case reflect.Pointer:
		switch {
		case m.Unset, m.Zero && t.Elem() == reflect.TypeFor[time.Time](): // the year 1 is no time to set anything to
		case m.Zero && t.Elem().Kind() != reflect.Struct && t.Elem().PkgPath() == "":
			v.Set(reflect.New(t.Elem()))
		default:
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(m.of(t.Elem(), name, depth+1))
		}
	case reflect.Slice:
		if !m.Unset {
			v.Set(reflect.MakeSlice(t, 0, 1))
		}
		if !m.Unset && !m.Zero {
			v = reflect.Append(v, m.of(t.Elem(), name, depth+1))
		}
	case reflect.Map:
		if !m.Unset && !m.Zero {
			v.Set(reflect.MakeMap(t))
			v.SetMapIndex(reflect.ValueOf("key").Convert(t.Key()), m.of(t.Elem(), name, depth+1))
		}
	case reflect.Struct:
		m.fields(v, depth)
	case reflect.String:
		return m.leaf(v, "s")
	case reflect.Bool:
		return m.leaf(v, true)
	case reflect.Int, reflect.Int64:
		return m.leaf(v, 7)
	case reflect.Float64:
		return m.leaf(v, 1.5)
	default:
		panic(fmt.Sprintf("sample: a %s is not foreseen", t))
	}
	return v
}

// fields fills a struct in.
func (m Maker) fields(v reflect.Value, depth int) {
	operation := strings.HasPrefix(v.Type().Name(), "Operation[")
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && (!operation || f.Name != "Err") { // an operation ends in one or the other
			maker := m
			if tag := f.Tag.Get("json"); m.Unset && tag != "" && !strings.HasSuffix(tag, ",omitzero") {
				maker = Maker{Make: m.Make} // what is required is never left out
			}
			if f.Type == reflect.TypeFor[opencloud.File]() && strings.HasPrefix(v.Type().Name(), "Create") {
				maker = Maker{Make: m.Make} // may be required, which the tags of a form do not say
			}
			v.Field(i).Set(maker.of(f.Type, f.Name, depth+1))
		}
	}
}

func (m Maker) leaf(v reflect.Value, value any) reflect.Value {
	if !m.Unset && !m.Zero {
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
	}
	return v
}
