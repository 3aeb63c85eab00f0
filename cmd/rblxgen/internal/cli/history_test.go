package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/apidiff"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// history is one module's tree that documents are imported into.
type history struct {
	t   *testing.T
	dir string
}

func (h history) run(args ...string) (stderr string) {
	h.t.Helper()
	var out, errs bytes.Buffer
	if status := Main(append([]string{"--dir", h.dir}, args...), &out, &errs); status != 0 {
		h.t.Fatalf("rblxgen %v: %s", args, errs.String())
	}
	return errs.String()
}

// update imports a document and generates.
func (h history) update(doc spec.Object) (says string) {
	h.t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		h.t.Fatal(err)
	}
	file := filepath.Join(h.t.TempDir(), "openapi-2026-09-01.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		h.t.Fatal(err)
	}
	says = h.run("import", file)
	h.run("generate")
	return says
}

func (h history) surface() apidiff.Surface {
	h.t.Helper()
	files, err := goFiles(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := apidiff.Parse(files)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// unbroken makes sure that nothing that users of the base have is gone or
// different.
func unbroken(t *testing.T, base, now apidiff.Surface) {
	t.Helper()
	for _, c := range apidiff.Diff(base, now) {
		if c.Kind == apidiff.Removed || c.Kind == apidiff.Changed {
			t.Errorf("%+v", c)
		}
	}
}

func baseDocument(t *testing.T) spec.Object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "history", "base.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spec.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	spec.Visit(doc, func(o spec.Object) { delete(o, "x-rblx-order") })
	return doc
}

// Every state of the document, coming after the base, after all others, and
// before the base again, leaves the code of the base's users alone.
func TestHistoryBreaksNobody(t *testing.T) {
	t.Parallel()
	packages := map[string]map[string][]byte{}
	origin := history{t, t.TempDir()}
	origin.update(baseDocument(t))
	start := func(t *testing.T) (history, apidiff.Surface) {
		h := history{t, t.TempDir()}
		if err := os.CopyFS(h.dir, os.DirFS(origin.dir)); err != nil {
			t.Fatal(err)
		}
		return h, h.surface()
	}
	all, base := start(t)
	if len(base) < 40 {
		t.Fatalf("the base has %d names", len(base))
	}
	for i, s := range states() { //nolint:paralleltest // each comes after those before it
		t.Run(s.name, func(t *testing.T) {
			doc := baseDocument(t)
			s.change(doc)
			h, base := start(t)
			says := h.update(doc)
			if !strings.Contains(says, s.says) {
				t.Errorf("the import says %q, want %q", says, s.says)
			}
			unbroken(t, base, h.surface())
			files, err := goFiles(h.dir)
			if err != nil {
				t.Fatal(err)
			}
			onlyAPI(files)
			packages[fmt.Sprintf("s%02d", i)] = files
			h.update(baseDocument(t)) // what vanished comes back
			unbroken(t, base, h.surface())

			all.t = t
			all.update(doc)
			unbroken(t, base, all.surface())
		})
	}
	files, err := goFiles(all.dir)
	if err != nil {
		t.Fatal(err)
	}
	onlyAPI(files)
	packages["all"] = files
	compile(t, packages)
}

// A document without a third of the operations, in which all paths, parameters
// and schemas have other names, and new ones come up, breaks nothing of the
// module itself: clients, what is written by hand beside them, emulator, tools.
func TestUpdateBuildsTheModule(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	h := history{t, t.TempDir()}
	for _, name := range []string{"opencloud.yaml", "overlay.yaml", "names.yaml", "oauth.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "openapi", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(h.dir, "openapi"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.dir, "openapi", name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	delete(doc, "x-rblx-families")
	names := map[string]string{}
	for _, name := range spec.Keys(spec.At(doc, "components", "schemas")) {
		names[name] = "Another.Service." + name
	}
	rename(doc, names)
	paths, dropped := spec.At(doc, "paths"), 0
	for i, op := range spec.Operations(doc) {
		delete(op.Object, "operationId")
		for _, e := range spec.List(op.Object, "parameters") {
			if p, _ := e.(spec.Object); p["in"] == "path" {
				p["name"] = "the_" + spec.Text(p, "name")
			}
		}
		if i%3 == 0 {
			delete(spec.At(paths, op.Path), strings.ToLower(op.Verb))
			dropped++
		}
	}
	for _, path := range spec.Keys(paths) {
		move(paths, path, strings.ReplaceAll(path, "{", "{the_")+"#suffix")
	}
	paths["/brand-new-api/v1/things"] = spec.Object{"get": spec.Object{"security": []any{spec.Object{"roblox-api-key": []any{}}},
		"responses": spec.Object{"200": spec.Object{"description": "", "content": spec.Object{"application/json": spec.Object{"schema": spec.Object{"type": "string"}}}}}}}
	says := h.update(doc)
	if got := strings.Count(says, "is not in the document any more and stays"); got < dropped {
		t.Errorf("%d things stay, but %d operations were dropped", got, dropped)
	}
	before, err := goFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	generated := filesBelow(t, h.dir)
	for name := range before {
		if strings.HasSuffix(name, ".gen.go") {
			delete(before, name)
		}
	}
	for name, text := range generated {
		if strings.HasPrefix(name, "api/") || strings.HasPrefix(name, "mocks/") {
			before[name] = text // beside what is written by hand
		}
	}
	now, err := apidiff.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	unbroken(t, history{t, root}.surface(), now)
	build(t, root, generated, "./...")
}

// filesBelow reads all Go files below a directory.
func filesBelow(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".go" {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// compile builds a user's program against every package, as if they stood in
// the module.
func compile(t *testing.T, packages map[string]map[string][]byte) {
	t.Helper()
	user, err := os.ReadFile(filepath.Join("testdata", "history", "user.txt"))
	if err != nil {
		t.Fatal(err)
	}
	const below = "internal/history/"
	files := map[string][]byte{}
	for name, generated := range packages {
		files[below+name+"/user/user.go"] = bytes.ReplaceAll(user, []byte("CONFIGS"), []byte("github.com/rblx-go/opencloud/"+below+name+"/configs"))
		for file, content := range generated {
			if family := path.Base(path.Dir(file)); family != "api" {
				files[below+name+"/"+family+"/"+family+".go"] = content
			}
		}
	}
	build(t, moduleRoot(t), files, "./"+below+"...")
}

// build builds packages of the module as if the files stood in it.
func build(t *testing.T, root string, files map[string][]byte, packages string) {
	t.Helper()
	replace, dir := map[string]string{}, t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		standIn := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(standIn, files[name], 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = standIn
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, packages)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
