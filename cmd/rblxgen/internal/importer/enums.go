package importer

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// nameIntegers gives every enum of integers x-enum-varnames: those that it has
// under another key, those that its description lists ("['A' = 0, 'B' = 1]",
// "A (0), B (1)"), or else the numbers. In a query they are numbers, not names.
func nameIntegers(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) { // sizes of a page are numbers
		for _, p := range parameters(op.Object, "query") {
			if schema := spec.At(p, "schema"); spec.Text(schema, "type") == "integer" && schema["enum"] != nil {
				delete(schema, "enum")
				n++
			}
		}
	}
	spec.Visit(doc, func(o spec.Object) {
		values := spec.List(o, "enum")
		if len(values) == 0 || spec.Text(o, "type") != "integer" {
			delete(o, "x-enumNames")
			if len(spec.List(o, "x-enum-varnames")) != len(values) {
				delete(o, "x-enum-varnames")
			}
			return
		}
		if len(spec.List(o, "x-enum-varnames")) == len(values) {
			delete(o, "x-enumNames")
			return
		}
		n++
		names := spec.List(o, "x-enumNames")
		if len(names) != len(values) {
			names = listedNames(spec.Text(o, "description"), values)
		}
		delete(o, "x-enumNames")
		o["x-enum-varnames"] = names
	})
	return n
}

// listedNames finds the names that a description gives to values.
func listedNames(description string, values []any) (names []any) {
	for _, v := range values {
		number := regexp.QuoteMeta(fmt.Sprint(v))
		name := fmt.Sprint(v)
		for _, form := range []string{`'(\w+)' = ` + number + `\b`, `(\w+) \(` + number + `\)`} {
			if m := regexp.MustCompile(form).FindStringSubmatch(description); m != nil {
				name = m[1]
				break
			}
		}
		names = append(names, strings.TrimSpace(name))
	}
	return names
}
