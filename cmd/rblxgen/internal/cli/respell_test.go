package cli

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/importer"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// What is spelled in another way stays the field that it was, and is sent and
// read as the newest document has it.
func TestAnotherSpellingIsSent(t *testing.T) {
	t.Parallel()
	h := history{t, t.TempDir()}
	h.update(baseDocument(t))
	generated := func() string {
		text, err := os.ReadFile(filepath.Join(h.dir, "api", "configs", "configs.gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := generated()
	doc := baseDocument(t)
	change(t, doc, "2026-09 what is the same in Go is spelled in another way")
	for range 2 { // the second document finds what the first has left
		h.update(doc)
		for _, want := range []string{
			"UserID opencloud.Int64 `json:\"user_id,omitzero\"`", "Owner Owner `json:\"Owner,omitzero\"`", "Value *float64 `json:\"Value,omitzero\"`",
			`query.Set("Kind", kind)`, `q.Add("page_token", p.PageToken)`, "page.PageToken = token", "return list.Entries, list.NextPageToken, nil",
		} {
			if !strings.Contains(generated(), want) {
				t.Errorf("no %q in what is generated", want)
			}
		}
	}
	h.update(baseDocument(t))
	if now := generated(); !strings.Contains(now, "`json:\"userId,omitzero\"`") || !strings.Contains(now, `q.Add("pageToken", p.PageToken)`) {
		t.Errorf("the old spelling is not back: %s", now)
	}
	if !strings.Contains(before, "`json:\"userId,omitzero\"`") {
		t.Error("the base has another spelling than this test thinks")
	}
}

// A correction that is of the answer with status 200 holds for 201.
func TestAnotherStatusKeepsItsCorrection(t *testing.T) {
	t.Parallel()
	h := history{t, t.TempDir()}
	overlay := filepath.Join(h.dir, "openapi", "overlay.yaml")
	if err := os.MkdirAll(filepath.Dir(overlay), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `paths: {"` + repositoryPath + `": {get: {responses: {'200': {content: {application/json: {schema: {$ref: null}}}}}}}}`
	if err := os.WriteFile(overlay, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h.update(baseDocument(t))
	before := h.surface()
	if got := before["configs.Client.GetRepository"].Text; !strings.Contains(got, "json.RawMessage") {
		t.Fatal("without a correction to begin with:", got)
	}
	doc := baseDocument(t)
	move(spec.At(doc, "paths", repositoryPath, "get", "responses"), "200", "201")
	h.update(doc)
	unbroken(t, before, h.surface())
}

// An operation that would not build is left out, and the census says why.
func TestWhatCannotBeExpressedIsSkipped(t *testing.T) {
	t.Parallel()
	h := history{t, t.TempDir()}
	doc := baseDocument(t)
	change(t, doc, "2026-09 operations that no method can express")
	h.update(doc)
	text, err := os.ReadFile(filepath.Join(h.dir, "openapi", "census.json"))
	if err != nil {
		t.Fatal(err)
	}
	var census importer.Census
	if err := json.Unmarshal(text, &census); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/form": "a form has no place in a method yet", "/mask": "an updateMask of a body without fields", "/list": "an updateMask of a body without fields",
		"/twice/{id}": "id is the name of two parameters in Go", "/alike": "Filter is the name of two things in Go", "/object": "the query where is a map[string]any, which has no place", "/header": "the header x-all is a []string, which has no place",
		"/value": "Value is the name of two things in Go",
	}
	if len(census.Skipped) != len(want) {
		t.Errorf("skipped are %v", slices.Sorted(maps.Keys(census.Skipped)))
	}
	for path, why := range want {
		if got := census.Skipped["PATCH /configs-api/v1/e"+path]; !strings.Contains(got, why) {
			t.Errorf("%s: %q, want %q", path, got, why)
		}
	}
}

// change does to the document what the state says.
func change(t *testing.T, doc spec.Object, name string) {
	t.Helper()
	for _, s := range states() {
		if s.name == name {
			s.change(doc)
			return
		}
	}
	t.Fatal("no state", name)
}
