package mocks_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/internal/sample"
)

// calls lists the methods of a stand-in that are those of its family's API.
func calls(stand any) []string {
	var out []string
	for m := range reflect.TypeOf(stand).Methods() {
		if m.Name != "Client" {
			out = append(out, m.Name)
		}
	}
	return out
}

// equal compares what went in with what came out; files by their content.
func equal(want, got any, options ...cmp.Option) string {
	return cmp.Diff(want, got, append(options,
		cmp.FilterPath(func(p cmp.Path) bool {
			f, ok := p.Last().(cmp.StructField)
			return ok && f.Name() != "" && f.Name()[0] >= 'a' // the client of an operation
		}, cmp.Ignore()),
		cmp.Transformer("read", func(r io.Reader) string {
			if r == nil {
				return ""
			}
			if b, ok := r.(io.ReadSeeker); ok {
				_, _ = b.Seek(0, io.SeekStart)
			}
			content, _ := io.ReadAll(r)
			return string(content)
		}),
		cmp.Exporter(func(reflect.Type) bool { return true }),
	)...)
}

// Every method of every family: the real client encodes the arguments, the
// stand-in decodes them again, and what its func returns comes back.
func TestEveryCallArrivesAndComesBack(t *testing.T) {
	t.Parallel()
	if len(stands()) < 5 {
		t.Fatal("too few families")
	}
	for family, stand := range stands() {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			for _, maker := range []sample.Maker{{}, {Zero: true}, {Unset: true}} {
				roundTrip(t, family, reflect.New(reflect.TypeOf(stand).Elem()), maker)
			}
		})
	}
}

func roundTrip(t *testing.T, family string, stand reflect.Value, maker sample.Maker) {
	t.Helper()
	for _, name := range calls(stand.Interface()) {
		var got []reflect.Value
		field := stand.Elem().FieldByName(name + "Func")
		var results []reflect.Value
		for i := range field.Type().NumOut() - 1 {
			results = append(results, sample.Maker{}.Of(field.Type().Out(i)))
		}
		field.Set(reflect.MakeFunc(field.Type(), func(args []reflect.Value) []reflect.Value {
			got = args[1:]
			return append(slices.Clip(results), reflect.Zero(reflect.TypeFor[error]()))
		}))
		core := stand.MethodByName("Client").Call(nil)[0].Interface().(*opencloud.Client)
		method := reflect.ValueOf(api.New(core)).Elem().FieldByName(family).MethodByName(name)
		args := maker.Args(method, t.Context())
		out := method.Call(args)
		if err, _ := reflect.TypeAssert[error](out[len(out)-1]); err != nil {
			t.Errorf("%s.%s: %v", family, name, err)
			continue
		}
		if len(got) != len(args)-1 {
			t.Errorf("%s.%s: the func was not called", family, name)
			continue
		}
		for i, arg := range args[1:] {
			want := arg.Interface()
			if arg.Kind() == reflect.Pointer && arg.IsNil() {
				want = reflect.New(arg.Type().Elem()).Interface() // no parameters are unset ones
			}
			if f, ok := want.(opencloud.File); ok {
				f.Name = "" // a body that is the file has no name
				want = f
			}
			var options []cmp.Option // an empty list leaves no trace in a query or form
			if arg.Kind() == reflect.Slice || strings.HasSuffix(arg.Type().String(), "Params") || arg.Kind() == reflect.Struct && hasFiles(arg.Type()) {
				options = append(options, cmpopts.EquateEmpty())
			}
			if diff := equal(want, got[i].Interface(), options...); diff != "" {
				t.Errorf("%s.%s: argument %d (-sent +arrived):\n%s", family, name, i+1, diff)
			}
		}
		if len(results) == 1 {
			if diff := equal(results[0].Interface(), out[0].Interface()); diff != "" {
				t.Errorf("%s.%s: result (-returned +came back):\n%s", family, name, diff)
			}
		}
	}
}

// hasFiles reports whether a body travels in parts.
func hasFiles(t reflect.Type) bool {
	for f := range t.Fields() {
		if f.Tag.Get("form") != "" {
			return true
		}
	}
	return false
}

// recorder is a test that fails for others to see.
type recorder struct {
	failed   []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func TestUnsetFuncsFailByName(t *testing.T) {
	t.Parallel()
	for family, stand := range stands() {
		stand := reflect.New(reflect.TypeOf(stand).Elem())
		rec := &recorder{}
		stand.Elem().FieldByName("T").Set(reflect.ValueOf(rec))
		core := stand.MethodByName("Client").Call(nil)[0].Interface().(*opencloud.Client)
		client := reflect.ValueOf(api.New(core)).Elem().FieldByName(family)
		for _, name := range calls(stand.Interface()) {
			for what, method := range map[string]reflect.Value{"direct": stand.MethodByName(name), "over HTTP": client.MethodByName(name)} {
				rec.failed = nil
				out := method.Call(sample.Maker{}.Args(method, t.Context()))
				err, _ := reflect.TypeAssert[error](out[len(out)-1])
				want := family + "." + name + "Func"
				if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: %v", want, what, err)
				}
				if len(rec.failed) != 1 || !strings.Contains(rec.failed[0], want) {
					t.Errorf("%s, %s: the test has %q", want, what, rec.failed)
				}
			}
		}
	}
}
