package importer

import (
	"strings"
	"testing"
)

// What looks like a reference in an example is data: it may lead nowhere, or to
// what it stands in.
func TestReferencesInExamples(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"$ref": "#/paths"}`, `{"$ref": "#/nowhere"}`, `{"default": [{"$ref": "file.json"}]}`} {
		text := strings.ReplaceAll(source, `"example": "`+canary+`"`, `"example": `+data)
		text = strings.ReplaceAll(text, `"rank": {"type": "integer", "format": "int32"}`, `"rank": {"type": "integer", "format": "int32", "default": `+data+`}`)
		if strings.Count(text, data) < 2 {
			t.Fatal("no place for", data)
		}
		if _, err := Import(t.TempDir(), []byte(text), Options{Date: "2026-08-11"}); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	}
}

// An answer by the name of default is none.
func TestReferencesInDefaultAnswers(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(source, `"404": {`, `"default": {"$ref": "#/paths"}, "404": {`)
	if text == source {
		t.Fatal("no place for it")
	}
	if _, err := Import(t.TempDir(), []byte(text), Options{Date: "2026-08-11"}); err == nil || !strings.Contains(err.Error(), "leads in a circle") {
		t.Error(err)
	}
}
