package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// value is one constant of an enum.
type value struct{ Name, Value string }

// constants returns those of an enum, in the order of its values. A name that a
// type has, or a constant before it, gets a number.
func (f *family) constants(typeName string, schema spec.Object) (out []value) {
	names := spec.Strings(schema, "x-enum-varnames")
	for i, e := range spec.List(schema, "enum") {
		text := fmt.Sprint(e)
		name := text
		if i < len(names) {
			name = names[i]
		}
		if spec.Text(schema, "type") == "string" {
			text = fmt.Sprintf("%q", text)
		}
		if slices.ContainsFunc(out, func(v value) bool { return v.Value == text }) {
			continue
		}
		thing := typeName + " " + text
		name = constName(typeName, name)
		for stem, n := name, 2; f.constantOf[name] != "" && f.constantOf[name] != thing || spec.At(f.schemas(), name) != nil; n++ {
			name = fmt.Sprintf("%s%d", stem, n)
		}
		f.constantOf[name] = thing
		out = append(out, value{name, text})
	}
	return out
}

// Constants lists the names of an enum's constants, none of which has a number.
func Constants(typeName string, schema spec.Object) (out []string) {
	f := family{constantOf: map[string]string{}}
	for _, v := range f.constants(typeName, schema) {
		out = append(out, v.Name)
	}
	return out
}

// constName names an enum's value: the type, then the value without the
// words in which it repeats the type.
func constName(typeName, value string) string {
	v := words(spelled(value))
	t := words(typeName)
	for n := min(len(t), len(v)-1); n > 0; n-- {
		if strings.EqualFold(strings.Join(t[len(t)-n:], ""), strings.Join(v[:n], "")) {
			v = v[n:]
			break
		}
	}
	if v[len(v)-1] == "UNSPECIFIED" {
		v = v[len(v)-1:]
	}
	tail := GoName("x_" + strings.Join(v, "_"))[1:]
	return typeName + tail
}

// spelled writes a value without letters or digits out, and the sign of a number.
func spelled(value string) string {
	if n, negative := strings.CutPrefix(value, "-"); negative && n != "" && n[0] >= '0' && n[0] <= '9' {
		return "minus_" + n
	}
	switch {
	case value == "":
		return "empty"
	case len(words(value)) == 0:
		return fmt.Sprintf("x%X", value)
	}
	return value
}
