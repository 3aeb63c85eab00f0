package importer

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

var accept = flag.Bool("update", false, "write what the passes make into testdata")

// Every pass has an archive, whose first line is its name, with a document
// before and after it.
func TestPasses(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "passes", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSpace(string(a.Comment))
		tested[name] = true
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(passes(), func(p pass) bool { return p.name == name })
			if i < 0 {
				t.Fatalf("no pass is called %q", name)
			}
			testPass(t, passes()[i], file, a)
		})
	}
	for _, p := range passes() {
		if !tested[p.name] {
			t.Errorf("%q has no archive", p.name)
		}
	}
}

func testPass(t *testing.T, p pass, file string, a *txtar.Archive) {
	doc, err := decodeJSON(a.Files[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	spec.Visit(doc, func(o spec.Object) { // learned in reading, and tested there
		if !strings.Contains(string(a.Files[0].Data), "x-rblx-order") {
			delete(o, "x-rblx-order")
		}
	})
	if n := p.apply(doc); n == 0 {
		t.Error("the pass found nothing")
	}
	got, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *accept {
		a.Files[1].Data = got
		if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(a.Files[1].Data), string(got)); diff != "" {
		t.Errorf("(-want +got), -update accepts it:\n%s", diff)
	}
	// A corrected document is one that the pass has nothing to say about.
	if n := p.apply(doc); n != 0 && p.until != "" {
		t.Errorf("the second time it corrects %d places", n)
	}
	if n := p.apply(spec.Object{"openapi": "3.0.4", "paths": spec.Object{}}); n != 0 {
		t.Errorf("it corrects %d places of an empty document", n)
	}
}
