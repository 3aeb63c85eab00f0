package importer

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Whatever stands at a place where it does not belong, the import neither
// panics nor says nothing.
func TestMangledDocuments(t *testing.T) {
	t.Parallel()
	base, err := decodeJSON([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	spec.Visit(base, func(o spec.Object) { delete(o, "x-rblx-order") })
	wrong := []any{nil, 7, "x", []any{}, spec.Object{}, true, []any{nil}, spec.Object{"$ref": "#/components/schemas/Group"}}
	places := count(base)
	if places < 150 {
		t.Fatalf("only %d places", places)
	}
	for i := 0; i < places; i += 3 {
		doc := spec.Clone(base)
		at := i
		value := wrong[i%len(wrong)]
		place := mangle(doc, value, &at, "")
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%v at %s: panic: %v", value, place, r)
				}
			}()
			r, err := Import(t.TempDir(), text, Options{Date: "2026-08-11"})
			if (r == nil) == (err == nil) {
				t.Errorf("%v at %s: %v and %v", value, place, r, err)
			}
		}()
	}
}

// count counts the values below v.
func count(v any) (n int) {
	switch v := v.(type) {
	case spec.Object:
		for _, e := range v {
			n += 1 + count(e)
		}
	case []any:
		for _, e := range v {
			n += 1 + count(e)
		}
	}
	return n
}

// mangle replaces the value that is the at-th below v, and returns its place.
func mangle(v, value any, at *int, place string) string {
	visit := func(name string, e any, set func()) string {
		if *at == 0 {
			*at = -1
			set()
			return place + "/" + name
		}
		*at--
		return mangle(e, value, at, place+"/"+name)
	}
	switch v := v.(type) {
	case spec.Object:
		for _, k := range spec.Keys(v) {
			if *at < 0 {
				break
			}
			if found := visit(k, v[k], func() { v[k] = value }); found != "" {
				return found
			}
		}
	case []any:
		for i, e := range v {
			if *at < 0 {
				break
			}
			if found := visit(strconv.Itoa(i), e, func() { v[i] = value }); found != "" {
				return found
			}
		}
	}
	return ""
}
