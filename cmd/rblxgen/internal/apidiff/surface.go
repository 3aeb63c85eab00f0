// Package apidiff says how the exported API of packages changed, in
// the terms of their users: methods, types, fields and constants.
package apidiff

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"strings"
)

// Surface is an exported API: declarations by name, "users.Client.GetUser".
type Surface map[string]Declaration

// Declaration is what stands behind a name.
type Declaration struct {
	Text       string // as Go writes it, without the name
	Of         string // the type that it is a field, method or value of
	Deprecated string // why, "" if it is not
}

// Parse reads the surface of packages. The files are named by their
// slash-separated paths; each directory is a package.
func Parse(files map[string][]byte) (Surface, error) {
	s := Surface{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if f.Name.Name == "main" {
			continue // nobody imports it
		}
		p := reader{Surface: s, pkg: f.Name.Name}
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				p.function(d)
			case *ast.GenDecl:
				p.general(d)
			}
		}
	}
	return s, nil
}

// reader adds the declarations of one package.
type reader struct {
	Surface
	pkg string
}

func (p reader) add(name, of, text string, docs ...*ast.CommentGroup) {
	d := Declaration{Text: text}
	if of != "" {
		d.Of = p.pkg + "." + of
	}
	for _, doc := range docs {
		if _, why, ok := strings.Cut(doc.Text(), "Deprecated: "); ok {
			why, _, _ = strings.Cut(why, "\n\n")
			d.Deprecated = strings.Join(strings.Fields(why), " ")
		}
	}
	p.Surface[p.pkg+"."+name] = d
}

// function adds a function, or a method unless it is of UnimplementedAPI, which
// has those of Client.
func (p reader) function(d *ast.FuncDecl) {
	text := strings.TrimPrefix(source(d.Type), "func")
	if d.Recv == nil {
		if d.Name.IsExported() {
			p.add(d.Name.Name, "", text, d.Doc)
		}
		return
	}
	of, _, _ := strings.Cut(strings.TrimLeft(source(d.Recv.List[0].Type), "*"), "[") // its parameters have no names of their own
	if d.Name.IsExported() && ast.IsExported(of) && of != "UnimplementedAPI" {
		p.add(of+"."+d.Name.Name, of, text, d.Doc)
	}
}

// general adds types, constants and variables.
func (p reader) general(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				p.typeOf(spec, d.Doc)
			}
		case *ast.ValueSpec:
			for i, name := range spec.Names {
				if !name.IsExported() {
					continue
				}
				of, text := "", d.Tok.String()
				if spec.Type != nil {
					of, text = source(spec.Type), text+" "+source(spec.Type)
				}
				if d.Tok == token.CONST && i < len(spec.Values) {
					text += " = " + source(spec.Values[i])
				}
				p.add(name.Name, of, text, spec.Doc, d.Doc)
			}
		}
	}
}

// typeOf adds a type, a struct's fields, and what an interface asks for, as a
// whole: whoever implements it must have it all. Of API it is left out, as it has
// the methods of Client and may grow.
func (p reader) typeOf(spec *ast.TypeSpec, doc *ast.CommentGroup) {
	name := spec.Name.Name
	switch t := spec.Type.(type) {
	case *ast.StructType:
		p.add(name, "", "struct", doc, spec.Doc)
		for _, f := range t.Fields.List {
			for _, n := range f.Names {
				if n.IsExported() {
					p.add(name+"."+n.Name, name, source(f.Type), f.Doc)
				}
			}
		}
	case *ast.InterfaceType:
		text := "interface"
		if name != "API" {
			text = asks(t)
		}
		p.add(name, "", text, doc, spec.Doc)
	default:
		p.add(name, "", source(spec.Type), doc, spec.Doc)
	}
}

// asks writes an interface down without its comments.
func asks(t *ast.InterfaceType) string {
	var methods []string
	for _, m := range t.Methods.List {
		switch {
		case len(m.Names) == 0:
			methods = append(methods, source(m.Type))
		default:
			methods = append(methods, m.Names[0].Name+strings.TrimPrefix(source(m.Type), "func"))
		}
	}
	return "interface { " + strings.Join(methods, "; ") + " }"
}

// source writes a node down in Go.
func source(node ast.Node) string {
	var out bytes.Buffer
	if err := printer.Fprint(&out, token.NewFileSet(), node); err != nil {
		return fmt.Sprint(err) // a buffer takes everything
	}
	return strings.Join(strings.Fields(out.String()), " ")
}
