package generator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever users can name has a comment, in which no name is lost and no word
// stands twice.
func TestEverythingExportedHasAComment(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..")
	var files []string
	for _, pattern := range []string{"api/*.gen.go", "api/*/*.gen.go", "mocks/*.gen.go"} {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, names...)
	}
	seen := 0
	fset := token.NewFileSet()
	check := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		seen++
		for _, doc := range docs {
			if text := doc.Text(); text != "" {
				if slip := slip(text); slip != "" {
					t.Errorf("%s: %s: %q", fset.Position(name.Pos()), name.Name, slip)
				}
				return
			}
		}
		t.Errorf("%s: %s has no comment", fset.Position(name.Pos()), name.Name)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				check(d.Name, d.Doc)
			case *ast.GenDecl:
				checkSpecs(d, check)
			}
		}
	}
	if seen < 3000 {
		t.Errorf("only %d things are exported", seen)
	}
}

// slip returns what composing a comment got wrong, "" if nothing.
func slip(text string) string {
	last := ""
	for word := range strings.FieldsSeq(text) {
		word = strings.Trim(word, ".,;:")
		if pair := last + " " + word; word == last || pair == "what and" {
			return pair
		}
		last = word
	}
	return ""
}

// checkSpecs checks what a declaration declares, and the fields of structs. The
// comment of a group of constants counts for each.
func checkSpecs(d *ast.GenDecl, check func(*ast.Ident, ...*ast.CommentGroup)) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.ValueSpec:
			for _, name := range s.Names {
				check(name, s.Doc, s.Comment, d.Doc)
			}
		case *ast.TypeSpec:
			check(s.Name, s.Doc, d.Doc)
			if body, is := s.Type.(*ast.StructType); is && s.Name.IsExported() {
				for _, f := range body.Fields.List {
					for _, name := range f.Names {
						check(name, f.Doc, f.Comment)
					}
				}
			}
		}
	}
}
