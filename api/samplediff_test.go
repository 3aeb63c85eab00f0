package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
)

// compare says in what the sample and the request of our method differ.
func (c caller) compare(t *testing.T, key, script string) []string {
	t.Helper()
	s, err := parseCurl(script)
	if err != nil {
		return []string{"sample: cannot be read: " + err.Error()}
	}
	method, has := c.methods[unnamed(key)]
	if !has {
		return []string{"method: there is none"}
	}
	r, err := c.call(t.Context(), method, s)
	if err != nil {
		return []string{"call: " + err.Error()}
	}
	var out []string
	differ := func(aspect string, sample, we any) {
		out = append(out, fmt.Sprintf("%s: the sample sends %v, we send %v", aspect, sample, we))
	}
	if s.verb != r.Method {
		differ("verb", s.verb, r.Method)
	}
	if path := r.URL.EscapedPath(); s.path != path {
		differ("path", s.path, path)
	}
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(union(s.query, query))) {
		sample, we := s.query.Get(name), query.Get(name)
		if name == "updateMask" { // in no order
			sample, we = sorted(sample), sorted(we)
		}
		if sample != we { // what is empty is as good as left out
			differ("query "+name, orNothing(sample), orNothing(we))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.header)) {
		sample, we := s.header.Get(name), r.Header.Get(name)
		switch {
		case name == "Content-Length": // net/http's to send
		case name == "X-Api-Key" && we != "": // of the reader's own
		case name == "Content-Type" && mediaType(sample) == mediaType(we):
		case sample != we:
			differ("header "+name, sample, orNothing(we))
		}
	}
	switch kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case kind == "multipart/form-data":
		if s.parts == nil {
			differ("body", "no form", "a form")
		}
		out = append(out, compareParts(s.form(), readParts(t, r.body, params["boundary"]))...)
	case s.parts != nil:
		differ("body", "a form", "none")
	case kind == "application/json" && s.hasBody:
		out = append(out, compareJSON("body", []byte(s.body), r.body)...)
	case s.body != string(r.body):
		differ("body", orNothing(s.body), orNothing(string(r.body)))
	}
	return out
}

// sorted puts a list of names in order.
func sorted(list string) string {
	names := strings.Split(list, ",")
	slices.Sort(names)
	return strings.Join(names, ",")
}

func union[K comparable, V any](a, b map[K]V) map[K]V {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func mediaType(header string) string {
	kind, _, _ := mime.ParseMediaType(header)
	return kind
}

// readParts reads the parts of a form that we send.
func readParts(t *testing.T, body []byte, boundary string) []formPart {
	t.Helper()
	var out []formPart
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, formPart{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(text)})
	}
}

// compareParts compares forms: the parts, their files' names, their types as far
// as the sample gives any, and their texts, as JSON where ours is.
func compareParts(sample, we []formPart) []string {
	var out []string
	byName := func(parts []formPart) map[string]formPart {
		m := map[string]formPart{}
		for _, p := range parts {
			m[p.name] = p
		}
		return m
	}
	theirs, ours := byName(sample), byName(we)
	for _, name := range slices.Sorted(maps.Keys(union(theirs, ours))) {
		a, inSample := theirs[name]
		b, sent := ours[name]
		aspect := "part " + name
		switch {
		case !sent:
			out = append(out, aspect+": only the sample sends it")
			continue
		case !inSample:
			out = append(out, aspect+": only we send it")
			continue
		case a.filename != b.filename:
			out = append(out, fmt.Sprintf("%s: the sample names the file %q, we %q", aspect, a.filename, b.filename))
		}
		if a.contentType != "" && a.contentType != b.contentType {
			out = append(out, fmt.Sprintf("%s: the sample calls it %s, we %s", aspect, a.contentType, b.contentType))
		}
		if b.contentType == "application/json" {
			out = append(out, compareJSON(aspect, []byte(a.text), []byte(b.text))...)
		} else if a.text != b.text {
			out = append(out, fmt.Sprintf("%s: the sample sends %s, we send %s", aspect, orNothing(a.text), orNothing(b.text)))
		}
	}
	return out
}

// compareJSON compares by value, and names the places that differ.
func compareJSON(at string, sample, we []byte) []string {
	read := func(text []byte) (v any, err error) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		return v, d.Decode(&v)
	}
	a, err := read(sample)
	if err != nil {
		return []string{at + ": the sample's is no JSON: " + err.Error()}
	}
	b, err := read(we)
	if err != nil {
		return []string{at + ": ours is no JSON: " + err.Error()}
	}
	return compareValues(at, a, b)
}

func compareValues(at string, sample, we any) []string {
	switch a := sample.(type) {
	case map[string]any:
		if b, same := we.(map[string]any); same {
			var out []string
			for _, name := range slices.Sorted(maps.Keys(union(a, b))) {
				va, inSample := a[name]
				vb, sent := b[name]
				switch {
				case !sent:
					out = append(out, at+"."+name+": only the sample sends it")
				case !inSample:
					out = append(out, at+"."+name+": only we send it")
				default:
					out = append(out, compareValues(at+"."+name, va, vb)...)
				}
			}
			return out
		}
	case []any:
		if b, same := we.([]any); same && len(a) == len(b) {
			var out []string
			for i := range a {
				out = append(out, compareValues(fmt.Sprintf("%s.%d", at, i), a[i], b[i])...)
			}
			return out
		}
	case json.Number:
		if b, same := we.(json.Number); same {
			x, _ := new(big.Rat).SetString(a.String())
			y, _ := new(big.Rat).SetString(b.String())
			if x != nil && y != nil && x.Cmp(y) == 0 {
				return nil
			}
		}
	default:
		if sample == we {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: the sample sends %v (%[2]T), we send %v (%[3]T)", at, sample, we)}
}
