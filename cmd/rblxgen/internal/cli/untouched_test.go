package cli

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A document that is refused leaves a module that has one as it was.
func TestBadDocumentsLeaveTheTree(t *testing.T) {
	t.Parallel()
	h := history{t, t.TempDir()}
	h.update(baseDocument(t))
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(h.dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tree := func() map[string]string {
		out := map[string]string{}
		for _, name := range []string{"openapi/opencloud.yaml", "openapi/names.yaml", "openapi/census.json", "api/client.gen.go", "api/configs/configs.gen.go"} {
			out[name] = text(name)
		}
		return out
	}
	before := tree()
	base, err := os.ReadFile(filepath.Join("testdata", "history", "base.json"))
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "openapi-2026-09-01.json")
	for want, content := range map[string]string{
		"64 MiB":                           "", // 100 MiB of it
		"line 1, column 1: no JSON":        "<html>",
		"the text ends in the middle":      string(base[:len(base)-100]),
		"leads nowhere":                    strings.Replace(string(base), "schemas/Kind\"", "schemas/None\"", 1),
		"leads out of the document":        strings.Replace(string(base), "#/components/schemas/Kind\"", "file.json\"", 1),
		"leads in a circle":                strings.Replace(string(base), "\"color\": {\"type\": \"string\"}", "\"label\": {\"$ref\": \"#/components/schemas/Label\"}", 1),
		"3.0 and 3.1 are what can be read": strings.Replace(string(base), "3.0.4", "2.0.0", 1),
	} {
		if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if content == "" {
			if err := os.Truncate(bad, 100<<20); err != nil {
				t.Fatal(err)
			}
		}
		var out, errs bytes.Buffer
		status := Main([]string{"--dir", h.dir, "import", "--strict", bad}, &out, &errs)
		if line := errs.String(); status != 1 || out.Len() > 0 || !strings.Contains(line, want) || strings.Count(line, "\n") != 1 {
			t.Errorf("status %d, printed %q and %q, want %q", status, out.String(), line, want)
		}
		if !maps.Equal(tree(), before) {
			t.Fatalf("%q: the tree was touched", want)
		}
	}
}
