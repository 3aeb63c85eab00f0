package emulator

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// mask sets the fields of a resource that the request's updateMask names, or,
// without a mask, those in the body. A masked field that the body lacks is
// cleared.
func mask(r *http.Request, resource any, fixed ...string) *apiError {
	var body map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return invalidArgument("The body is not a JSON object.")
	}
	var paths []string
	if m := r.URL.Query().Get("updateMask"); m != "" {
		paths = strings.Split(m, ",")
	} else {
		for name := range body {
			paths = append(paths, name)
		}
	}
	for _, path := range paths {
		name, _, _ := strings.Cut(strings.TrimSpace(path), ".")
		if slices.Contains(fixed, name) {
			return invalidArgument("The field " + name + " cannot be changed.")
		}
		field := fieldByJSON(reflect.ValueOf(resource).Elem(), name)
		if !field.IsValid() {
			return invalidArgument("The update mask names an unknown field.")
		}
		value := body[name]
		if value == nil || string(value) == "null" {
			field.SetZero()
			continue
		}
		fresh := reflect.New(field.Type())
		if err := json.Unmarshal(value, fresh.Interface()); err != nil {
			return invalidArgument("The field " + name + " has a value of another type.")
		}
		field.Set(fresh.Elem())
	}
	return nil
}

// fieldByJSON finds the field of a struct by its name in JSON.
func fieldByJSON(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name && tag != "-" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}
