package opencloud

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// Query collects the query parameters of a request, in order. The zero Query
// is empty.
type Query struct {
	encoded []byte
	err     error // what the call fails with instead of being sent
}

// Add appends a parameter, unless it is unset: the zero of its type, a nil
// pointer or an empty slice. A pointer that is not nil is always sent, and each
// element of a slice is sent under the same name. Values are strings, booleans,
// numbers, time.Time, [Duration] and types derived from them; another type is a
// mistake of the caller and panics.
func (q *Query) Add(name string, value any) {
	switch v := value.(type) {
	case string:
		if v != "" {
			q.add(name, v)
		}
		return
	case []string:
		for _, s := range v {
			q.add(name, s)
		}
		return
	}
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid() || v.IsZero():
	case v.Kind() == reflect.Pointer:
		q.add(name, formatValue(v.Elem()))
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			q.add(name, formatValue(v.Index(i)))
		}
	default:
		q.add(name, formatValue(v))
	}
}

// Set appends a parameter that the operation requires, even if its value is
// zero. An empty list or text, alone or in a list, makes the call fail with
// [ErrInvalidArgument]: nothing is sent.
func (q *Query) Set(name string, value any) {
	v := reflect.ValueOf(value)
	switch kind := v.Kind(); {
	case kind == reflect.String && v.Len() == 0, kind == reflect.Slice && v.Len() == 0:
		q.err = cmp.Or(q.err, invalid("%s must not be empty", name))
	case kind == reflect.Slice:
		for i := range v.Len() {
			q.Set(name, v.Index(i).Interface())
		}
	default:
		q.add(name, formatValue(v))
	}
}

// String returns the encoded query without a question mark.
func (q *Query) String() string { return string(q.encoded) }

func (q *Query) add(name, value string) {
	if len(q.encoded) > 0 {
		q.encoded = append(q.encoded, '&')
	}
	q.encoded = append(appendEscaped(q.encoded, name), '=')
	q.encoded = appendEscaped(q.encoded, value)
}

func formatValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case Duration:
		return x.String()
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	panic(fmt.Sprintf("opencloud: a %s is no query parameter", v.Type()))
}
