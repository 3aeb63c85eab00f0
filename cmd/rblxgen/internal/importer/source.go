// Package importer turns Roblox's OpenAPI document into the module's own
// description: it keeps the operations that a key or a token may call, corrects
// the document's faults, drops its prose, and gives everything the name that
// users of the module know it by.
package importer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// MaxSource is the largest document that is read, in bytes; today's has 3 MB.
const MaxSource = 64 << 20

// parse reads the document and refuses what is none, naming the place.
func parse(text []byte) (spec.Object, error) {
	if len(text) > MaxSource {
		return nil, fmt.Errorf("more than the %d MiB that a document may have", MaxSource>>20)
	}
	doc, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	version, ok := doc["openapi"].(string)
	if !ok {
		return nil, errors.New("openapi: missing, so this is no OpenAPI 3 document")
	}
	if !strings.HasPrefix(version, "3.0.") && version != "3.0" {
		return nil, fmt.Errorf("openapi: version %q, but 3.0 is what can be read", version)
	}
	if spec.At(doc, "paths") == nil {
		return nil, errors.New("paths: missing or no mapping")
	}
	return doc, checkRefs(doc, doc, "")
}

// checkRefs makes sure that every reference stays in the document and arrives.
func checkRefs(doc spec.Object, v any, place string) error {
	switch v := v.(type) {
	case spec.Object:
		ref, isRef := v["$ref"].(string)
		if isRef && !strings.HasSuffix(place, "/properties") { // where $ref is a name, not a keyword
			rest, local := strings.CutPrefix(ref, "#/")
			if !local {
				return fmt.Errorf("%s: $ref %q leads out of the document", place, ref)
			}
			keys := strings.Split(rest, "/")
			for i, k := range keys {
				keys[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(k)
			}
			if spec.At(doc, keys...) == nil {
				return fmt.Errorf("%s: $ref %q leads nowhere", place, ref)
			}
		}
		for _, k := range spec.Keys(v) {
			if err := checkRefs(doc, v[k], place+"/"+k); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range v {
			if err := checkRefs(doc, e, fmt.Sprintf("%s/%d", place, i)); err != nil {
				return err
			}
		}
	}
	return nil
}
