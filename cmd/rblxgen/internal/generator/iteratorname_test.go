package generator

import (
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

func TestIteratorName(t *testing.T) {
	t.Parallel()
	operation := func(id, pin string) spec.Object {
		op := spec.Object{"operationId": id}
		if pin != "" {
			op["x-rblx-iterator"] = pin
		}
		return spec.Object{"get": op}
	}
	f := &family{walked: map[string]bool{}, doc: document(spec.Object{
		"/a": operation("ListRoles", ""), "/b": operation("Walls", ""), "/c": operation("ListPinned", "Doors"),
	}, spec.Object{"Thing": spec.Object{}})}
	for _, row := range []struct{ method, pin, want string }{
		{"ListRoles", "", "Roles"},
		{"FindRoles", "", "AllRoles"}, // after ListRoles
		{"GetRoles", "", "AllRoles2"},
		{"ListThing", "", "AllThing"}, // a type
		{"ListWalls", "", "AllWalls"}, // a method
		{"ListDoors", "", "AllDoors"}, // another's pin
		{"Search", "", "AllSearch"},
		{"List", "", "AllList"},
		{"ListThing", "Thing", "Thing"}, // what is pinned stays
	} {
		m := &method{Name: row.method, op: spec.Object{"x-rblx-iterator": row.pin}}
		if got := f.iteratorName(m); got != row.want {
			t.Errorf("%s: %s, want %s", row.method, got, row.want)
		}
	}
}
