package api_test

import (
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/openapi"
	"github.com/rblx-go/opencloud/transport"
)

// methods goes over the methods of all clients that return an error, by family
// and name; others are iterators, or resume an operation.
func methods(core *opencloud.Client) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		all := reflect.ValueOf(*api.New(core))
		for i := range all.NumField() {
			for m := range all.Field(i).Type().Methods() {
				call := all.Field(i).MethodByName(m.Name)
				if n := call.Type().NumOut(); n == 0 || call.Type().Out(n-1) != reflect.TypeFor[error]() {
					continue
				}
				if !yield(all.Type().Field(i).Name+"."+m.Name, call) {
					return
				}
			}
		}
	}
}

// sentBy calls every method of every client that takes a context and returns an
// error, with the text "7" for whatever is text, lists of one, and returns the requests by
// the method's name, "users.GetUser".
func sentBy(t *testing.T) map[string]*http.Request {
	t.Helper()
	sent := map[string]*http.Request{}
	core, err := opencloud.New(opencloud.Options{APIKey: "k", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		sent[transport.MethodFrom(r.Context()).Name] = r
		w := httptest.NewRecorder()
		w.WriteHeader(http.StatusTeapot)
		return w.Result(), nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range methods(core) {
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for k := 1; k < call.Type().NumIn(); k++ {
			args = append(args, seven(call.Type().In(k)))
		}
		out := call.Call(args)
		if err, _ := reflect.TypeAssert[error](out[len(out)-1]); err == nil || !strings.Contains(err.Error(), "418") {
			t.Errorf("%s: %v", name, err)
		}
	}
	return sent
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// seven makes an argument.
func seven(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == reflect.TypeFor[opencloud.File]():
		v.Set(reflect.ValueOf(opencloud.File{Content: strings.NewReader("7")}))
	case t.Kind() == reflect.String:
		v.SetString("7")
	case t.Kind() == reflect.Int64, t.Kind() == reflect.Int:
		v.SetInt(7)
	case t.Kind() == reflect.Slice:
		v = reflect.Append(v, seven(t.Elem()))
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i).Type; f.Kind() == reflect.String || f == reflect.TypeFor[opencloud.File]() {
				v.Field(i).Set(seven(f))
			}
		}
	}
	return v
}

// Every operation of the description has a method, and every method's request
// is one that the description has.
func TestEveryOperationIsSent(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.OpenCloud())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{} // by "VERB path with 7s"
	for path, item := range doc.Paths.Map() {
		for verb, op := range item.Operations() {
			want[verb+" "+regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, "7")] = op.OperationID
		}
	}
	if len(want) < 250 {
		t.Fatalf("only %d operations in the description", len(want))
	}
	for name, r := range sentBy(t) {
		key := fmt.Sprintf("%s %s", r.Method, r.URL.EscapedPath())
		id, known := want[key]
		if !known {
			t.Errorf("%s sends %s, which is not described", name, key)
		}
		if !strings.HasPrefix(id, name) { // users.GetUser, or datastores.GetEntryInScope of datastores.GetEntry
			t.Errorf("%s sends %s, which is %s", name, key, id)
		}
		delete(want, key)
	}
	for key, id := range want {
		// Where a scope may be left out, the other path is in calls.
		if !strings.Contains(key, "/data-stores/7/entries") {
			t.Errorf("nobody sends %s, %s", key, id)
		}
	}
}
