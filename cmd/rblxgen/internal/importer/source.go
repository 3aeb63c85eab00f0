// Package importer turns Roblox's OpenAPI document into the module's own
// description: it keeps the operations that a key or a token may call, corrects
// the document's faults, drops its prose, and gives everything the name that
// users of the module know it by.
package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// maxSource is the largest document that is read; today's has 3 MB.
const maxSource = 64 << 20

// parse reads the document and refuses what is none, naming the place.
func parse(text []byte) (spec.Object, error) {
	if len(text) > maxSource {
		return nil, fmt.Errorf("%d MiB are more than the %d MiB that a document may have", len(text)>>20, maxSource>>20)
	}
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line, column := position(text, int(syntax.Offset))
			return nil, fmt.Errorf("line %d, column %d: no JSON: %w", line, column, err)
		}
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return nil, errors.New("line 1: no OpenAPI document: it is no JSON object")
	}
	doc, err := spec.Decode(text)
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

// position returns the line and column, from 1, of an offset.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n') - 1
}

// checkRefs makes sure that every reference stays in the document and arrives.
func checkRefs(doc spec.Object, v any, place string) error {
	switch v := v.(type) {
	case spec.Object:
		if ref, ok := v["$ref"].(string); ok {
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
