package opencloud_test

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every Go block of the README is the body of an example, to the letter, so
// that what people copy compiles.
func TestReadmeShowsTheExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := exampleBodies(t)
	blocks := regexp.MustCompile("(?s)(?:<!-- (\\w+) -->\n)?```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	for _, b := range blocks {
		name, shown := b[1], b[2]
		if name == "" {
			t.Errorf("a Go block names no example:\n%s", shown)
			continue
		}
		if want := examples[name]; shown != want {
			t.Errorf("%s in the README:\n%s\nin example_test.go:\n%s", name, shown, want)
		}
		delete(examples, name)
	}
	for name := range examples {
		t.Errorf("%s is not in the README", name)
	}
}

// exampleBodies returns the bodies of the examples, one level of indentation
// less.
func exampleBodies(t *testing.T) map[string]string {
	t.Helper()
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if source, err = format.Source(source); err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "example_test.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(f.Name.Name, "Example") {
			continue
		}
		inner := source[files.Position(f.Body.Lbrace).Offset+2 : files.Position(f.Body.Rbrace).Offset]
		bodies[f.Name.Name] = strings.ReplaceAll("\n"+string(inner), "\n\t", "\n")[1:]
	}
	return bodies
}
