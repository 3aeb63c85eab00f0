package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// iterator is what walks all pages of a list.
type iterator struct {
	Name, Doc         string
	Item, Items, Next string // the type, and the fields of a page
	More              string // the field that tells whether there are more pages, if any
	Token             string // the field of what is sent
	Args              string // "userID string, params *ListXParams"
	Pass              string // "userID, &page"
	Start             string // how page is made: the struct's type, or the argument that is copied
	Body              bool   // whether the token travels in the body
}

// iterator plans the method that walks all pages, if request and answer both
// carry a page token and the answer has a list.
func (f *family) iterator(m *method) *iterator {
	answer, isPointer := strings.CutPrefix(m.Result.Type, "*")
	props := spec.At(f.schemas(), answer, "properties")
	next := tokenOf(props, "nextpagetoken", "nextpagecursor", "nextcursor")
	if !isPointer || next == "" {
		return nil
	}
	it := &iterator{Next: fieldName(spec.At(props, next), next)}
	var carrier string
	if m.Params != nil {
		for _, fl := range m.Params.Fields {
			if fl.Type == "string" && slices.Contains([]string{"pagetoken", "cursor", "nextcursor"}, plain(fl.Wire)) {
				it.Token, carrier, it.Start = fl.Name, "params", m.Params.Name
				break
			}
		}
	}
	if it.Token == "" && m.body != "" {
		sent := spec.At(f.schemas(), m.bodyType, "properties")
		if token := tokenOf(sent, "pagetoken", "cursor"); token != "" && f.roles[m.bodyType] == request {
			it.Token, carrier, it.Start, it.Body = fieldName(spec.At(sent, token), token), m.body, m.body, true
		}
	}
	elements := f.listOf(answer)
	if it.Token == "" || elements == "" {
		return nil
	}
	for _, p := range spec.Keys(props) {
		if plain(p) == "hasmore" && spec.Text(spec.At(props, p), "type") == "boolean" {
			it.More = fieldName(spec.At(props, p), p)
		}
	}
	it.Items = fieldName(spec.At(props, elements), elements)
	it.Item = f.goType(spec.At(props, elements, "items"))
	it.Name = f.iteratorName(m)
	it.Doc = fmt.Sprintf("%s yields the elements of all pages of %s, fetching a page when it is needed. It stops at the first error, which it yields. %s, whose %s says where to start, is not changed.",
		it.Name, m.Name, strings.ToUpper(carrier[:1])+carrier[1:], it.Token)
	var pass []string
	for _, a := range m.args {
		switch a.Name {
		case "params":
			if !it.Body {
				pass = append(pass, "&page")
				continue
			}
		case carrier:
			pass = append(pass, "page")
			continue
		}
		pass = append(pass, a.Name)
	}
	it.Args, it.Pass = list(m.args), strings.Join(pass, ", ")
	return it
}

// plain is a name of the wire without case and separators.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// tokenOf returns the text property that has one of the plain names.
func tokenOf(props spec.Object, names ...string) string {
	for _, p := range spec.Keys(props) {
		if schema := spec.At(props, p); slices.Contains(names, plain(p)) && spec.Text(schema, "type") == "string" && spec.Text(schema, "format") == "" {
			return p
		}
	}
	return ""
}

// listOf returns the property that holds the elements of a page: the first list
// of objects, or else the first list.
func (f *family) listOf(answer string) string {
	schema := spec.At(f.schemas(), answer)
	props := spec.At(schema, "properties")
	names := spec.Keys(props)
	order := spec.Strings(schema, "x-rblx-order")
	slices.SortStableFunc(names, func(a, b string) int { return rank(order, a) - rank(order, b) })
	first := ""
	for _, p := range names {
		if spec.Text(spec.At(props, p), "type") != "array" {
			continue
		}
		if len(spec.Refs(spec.At(props, p, "items"))) == 1 {
			return p
		}
		if first == "" {
			first = p
		}
	}
	return first
}
