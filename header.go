package opencloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// AddHeader adds a request header, unless its value is unset, as [Query.Add]
// defines that and the values it takes.
func AddHeader(h http.Header, name string, value any) {
	v := reflect.ValueOf(value)
	if !v.IsValid() || v.IsZero() {
		return
	}
	if v.Kind() == reflect.Pointer {
		value = v.Elem().Interface()
	}
	SetHeader(h, name, value)
}

// SetHeader sets a request header that the operation requires, even if its
// value is zero. With an empty text the call fails, see [Request.Header].
func SetHeader(h http.Header, name string, value any) {
	h[http.CanonicalHeaderKey(name)] = []string{formatValue(reflect.ValueOf(value))}
}

// ReadHeader reads a response header into a *string, *json.RawMessage or
// *time.Time. An absent one leaves it as it is.
func ReadHeader(h http.Header, name string, into any) error {
	value := h.Get(name)
	if value == "" {
		return nil
	}
	switch into := into.(type) {
	case *string:
		*into = value
	case *json.RawMessage:
		if !json.Valid([]byte(value)) {
			return fmt.Errorf("the header %s is not JSON", name)
		}
		*into = json.RawMessage(value)
	case *time.Time:
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return fmt.Errorf("the header %s is not of the form of RFC 3339", name)
		}
		*into = t
	default:
		panic(fmt.Sprintf("opencloud: a header cannot be read into a %T", into))
	}
	return nil
}

// ReadBody reads the body of a response whose header has data as well. An empty
// body leaves into as it is: it is the answer for what was deleted.
func ReadBody(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return undocumented(err)
	}
	return nil
}
