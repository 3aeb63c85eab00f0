package generator

import (
	"fmt"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// Iterators returns the names of the methods that walk all pages, by the key of
// the operation that they walk. Users have them in their code: x-rblx-iterator
// keeps them so when something else comes up under such a name.
func Iterators(doc spec.Object) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range Families(doc) {
		f, err := newFamily(doc, name)
		if err != nil {
			return nil, err
		}
		if _, err := f.render(); err != nil {
			return nil, fmt.Errorf("family %s: %w", name, err)
		}
		for _, m := range f.view.Methods {
			if m.Iterator != nil {
				out[m.ops[0].Key()] = m.Iterator.Name
			}
		}
	}
	return out, nil
}

// iteratorName is the pinned name, or else the method's without List or Get,
// with All in front where that is no name or is taken.
func (f *family) iteratorName(m *method) string {
	if pin := spec.Text(m.op, "x-rblx-iterator"); pin != "" {
		return pin
	}
	name := m.Name
	for _, verb := range []string{"List", "Get", "Find"} {
		if rest := strings.TrimPrefix(m.Name, verb); rest != "" && rest != m.Name {
			name = rest
			break
		}
	}
	if name == m.Name || f.taken(name) {
		name = "All" + name
	}
	for stem, n := name, 2; f.taken(name); n++ {
		name = fmt.Sprintf("%s%d", stem, n)
	}
	f.walked[name] = true
	return name
}

// taken reports whether the name is that of a type, a method or another
// iterator.
func (f *family) taken(name string) bool {
	taken := f.walked[name] || spec.At(f.schemas(), name) != nil
	for _, op := range spec.Operations(f.doc) {
		taken = taken || methodName(op.Object) == name || spec.Text(op.Object, "x-rblx-iterator") == name
	}
	return taken
}
