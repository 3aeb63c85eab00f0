package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutations puts each flaw into a copy of the code and runs the tests
// that have to notice. That the places to edit are still there is checked
// always; building a binary for each takes minutes and is for RBLX_SOAK=1.
func TestMutations(t *testing.T) {
	t.Parallel()
	atOnce := make(chan struct{}, 2)
	for _, c := range append(codeMutations(), unchanged()) {
		t.Run(string(c.flaw), func(t *testing.T) {
			t.Parallel()
			overlay := writeOverlay(t, c.edits)
			if !soaking() {
				return
			}
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			out, err := exec.CommandContext(t.Context(), buildTests(t, overlay), "-test.run", c.tests, "-test.timeout", "3m",
				"-rapid.nofailfile", "-rapid.shrinktime", "1ms").CombinedOutput()
			noticed := errors.As(err, new(*exec.ExitError)) && bytes.Contains(out, []byte("--- FAIL: "))
			if want := len(c.edits) > 0; noticed != want || !want && err != nil {
				t.Errorf("%s: %v; want a failure: %t\n%s", c.tests, err, want, out)
			}
		})
	}
}

// unchanged runs all of the tests named without a flaw, and they have to pass.
func unchanged() codeMutation {
	var tests []string
	for _, c := range codeMutations() {
		tests = append(tests, c.tests)
	}
	return codeMutation{flaw: "no flaw", tests: strings.Join(tests, "|")}
}

// buildTests returns the binary of this package's tests.
func buildTests(t *testing.T, overlay string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "oauth.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	return binary
}

// writeOverlay writes the edited files, and the file that tells go's -overlay
// of them.
func writeOverlay(t *testing.T, edits []edit) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for _, e := range edits {
		original, err := filepath.Abs(e.file)
		if err != nil {
			t.Fatal(err)
		}
		source := original
		if edited, ok := replace[original]; ok {
			source = edited
		}
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			t.Fatalf("%s holds this %d times, want once; adapt the mutation to the code:\n%s", e.file, n, e.old)
		}
		replace[original] = filepath.Join(dir, e.file)
		if err := os.WriteFile(replace[original], []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(at, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}
