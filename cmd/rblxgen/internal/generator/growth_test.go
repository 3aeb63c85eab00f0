package generator

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// grown is what a later document adds to a family: an operation, a parameter, a
// field, a value.
const grown = `
paths:
  /cloud/v2/users/{user_id}/inventory-items:
    get:
      parameters:
        - {name: user_id, in: path, required: true, schema: {type: string}}
        - {name: maxPageSize, in: query, schema: {type: integer, format: int32}}
        - {name: pageToken, in: query, schema: {type: string}}
        - {name: filter, in: query, schema: {type: string}}
        - {name: newParameter, in: query, schema: {type: string}}
  /cloud/v2/users/{user_id}:growUp:
    post:
      operationId: users.GrowUp
      tags: [users]
      security: [{roblox-api-key: []}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/users.User"}}}}
      parameters: [{name: user_id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: "#/components/schemas/users.User"}}}}}
components:
  schemas:
    users.User: {properties: {newField: {type: string}}}
`

// A module that was written against one generation builds with the next.
func TestGrowthBreaksNobody(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	description := t.TempDir()
	doc, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := spec.Decode([]byte(grown))
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Merge(doc, more, 0, ""); err != nil {
		t.Fatal(err)
	}
	text, err := spec.Encode("later", doc)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(description, "openapi", "opencloud.yaml"), text)
	overlay, err := os.ReadFile(filepath.Join(root, "openapi", "overlay.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(description, "openapi", "overlay.yaml"), overlay)
	files, err := Generate(description)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(files["mocks/users.gen.go"]), "GrowUpFunc") {
		t.Fatal("the later generation has not grown")
	}
	later := t.TempDir()
	copyModule(t, root, later)
	for name, content := range files {
		write(t, filepath.Join(later, filepath.FromSlash(name)), content)
	}
	for generation, dir := range map[string]string{"now": root, "later": later} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", ".")
		cmd.Dir = stranger(t, root, dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", generation, err, out)
		}
	}
}

// copyModule copies what the clients and their stand-ins are built of.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	for _, dir := range []string{"api", "internal", "mocks", "openapi", "transport"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(from, dir))); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, filepath.Join(from, "go.mod"), filepath.Join(from, "go.sum")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, filepath.Base(name)), text)
	}
}

// stranger makes a module of somebody else's that uses the one in dir, with the
// versions of libraries that root has.
func stranger(t *testing.T, root, dir string) string {
	t.Helper()
	const module = "github.com/rblx-go/opencloud"
	out := t.TempDir()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	mod := strings.Replace(read(filepath.Join(root, "go.mod")), "module "+module+"\n", "module example.com/stranger\n", 1)
	mod += "\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + strconv.Quote(dir) + "\n"
	write(t, filepath.Join(out, "go.mod"), []byte(mod))
	write(t, filepath.Join(out, "go.sum"), []byte(read(filepath.Join(root, "go.sum"))))
	write(t, filepath.Join(out, "stranger.go"), []byte(read(filepath.Join("testdata", "stranger.go.txt"))))
	return out
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
