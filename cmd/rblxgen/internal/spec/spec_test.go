package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

func decode(t *testing.T, text string) spec.Object {
	t.Helper()
	o, err := spec.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ base, over, want, err string }{
		"mappings merge":              {"a: {b: {c: 1}}", "a: {b: {d: 2}}", "a: {b: {c: 1, d: 2}}", ""},
		"null deletes":                {"a: {b: {c: 1, d: 2}}", "a: {b: {c: null}}", "a: {b: {d: 2}}", ""},
		"a list replaces":             {"a: {b: [1, 2]}", "a: {b: [3]}", "a: {b: [3]}", ""},
		"an extension may be new":     {"a: {}", "x-a: {b: 1}", "{a: {}, x-a: {b: 1}}", ""},
		"nothing else at the top may": {"a: {}", "b: {}", "", "f: /b: not in the description"},
		"nor one level down":          {"a: {}", "a: {b: 1}", "", "f: /a/b: not in the description"},
		"a mapping needs a mapping":   {"a: {b: 1}", "a: {b: {c: 1}}", "", "f: /a/b: a mapping over something else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := decode(t, row.base)
			err := spec.Merge(base, decode(t, row.over), 2, "f: ")
			if row.err != "" {
				if err == nil || err.Error() != row.err {
					t.Fatalf("%v, want %s", err, row.err)
				}
				return
			}
			if diff := cmp.Diff(decode(t, row.want), base); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	schemas := decode(t, `{A: {properties: {b: {$ref: "#/components/schemas/B"}}}, B: {items: {$ref: "#/components/schemas/A"}}, C: {}}`)
	got := spec.Reachable(decode(t, `{x: [{$ref: "#/components/schemas/A"}]}`), schemas)
	if diff := cmp.Diff([]string{"A", "B"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeReadsBack(t *testing.T) {
	t.Parallel()
	want := decode(t, `{b: ["yes", "1", "null", "a: b", "# no", " s ", "é\n😀"], a: {c: 1, d: true, e: 1.5}}`)
	text, err := spec.Encode("Two\nlines.", want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# Two\n# lines.\na:\n") {
		t.Errorf("starts %.30q", text)
	}
	file := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := spec.Read(file)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if absent, err := spec.Read(file + "x"); err != nil || len(absent) != 0 {
		t.Errorf("an absent file: %v, %v", absent, err)
	}
}
