package generator

import (
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// newOAuth makes a family of the hand-written description of the OAuth
// endpoints. Operations marked x-rblx-by-hand, the page and the rotation of
// tokens, get types and no methods.
func newOAuth(whole spec.Object) *family {
	f := &family{
		name: "oauthv1", oauth: true, roles: map[string]role{}, facts: spec.At(whole, "x-rblx-families", "oauthv1"),
		whole: whole, polls: map[string]spec.Operation{}, headedTypes: map[string]headedType{}, walked: map[string]bool{}, constantOf: map[string]string{},
	}
	paths, schemas := spec.Object{}, spec.Clone(spec.At(whole, "components", "schemas"))
	for _, op := range spec.Operations(whole) {
		if spec.Flag(op.Object, "x-rblx-by-hand") {
			continue
		}
		cut := spec.Clone(op.Object)
		if ref, ok := strings.CutPrefix(spec.Text(spec.At(cut, "requestBody"), "$ref"), "#/components/requestBodies/"); ok {
			cut["requestBody"] = spec.Clone(spec.At(whole, "components", "requestBodies", ref))
		}
		cut["responses"] = spec.Object{"200": spec.At(cut, "responses", "200")}
		delete(cut, "summary")
		paths["/oauth"+op.Path] = spec.Object{strings.ToLower(op.Verb): cut}
	}
	for _, name := range spec.Keys(schemas) {
		if strings.HasSuffix(name, "Form") && name != "TokenForm" {
			delete(schemas, name)
		}
	}
	f.doc = document(paths, schemas)
	f.assignRoles()
	return f
}
