package browser

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// ErrNoForm is returned when the page has no form, or not the button asked for.
var ErrNoForm = errors.New("browser: the page has no such form")

// Submit fills in the first form that has all the fields given and sends it.
// Fields that are not given keep what the page put in them; a field given with
// no values is left out. A submit button is pressed by giving its name and
// value; without that it is the form's first, as by the Enter key.
func (b *Browser) Submit(ctx context.Context, fields url.Values) (*Page, error) {
	if b.page == nil {
		return nil, ErrNoForm
	}
	doc, err := html.Parse(strings.NewReader(b.page.Body))
	if err != nil {
		return nil, ErrNoForm
	}
	for node := range doc.Descendants() {
		if node.DataAtom != atom.Form {
			continue
		}
		f := readForm(node)
		if !f.takes(fields) {
			continue
		}
		if !f.presses(fields) {
			maps.Copy(f.values, f.first)
		}
		maps.Copy(f.values, fields)
		action, err := b.page.URL.Parse(f.action)
		if err != nil {
			return nil, ErrNoForm
		}
		if f.method == http.MethodPost {
			return b.visit(ctx, http.MethodPost, action, f.values)
		}
		action.RawQuery = f.values.Encode()
		return b.visit(ctx, http.MethodGet, action, nil)
	}
	return nil, ErrNoForm
}

// Consent answers the emulator's consent page as it stands.
func (b *Browser) Consent(ctx context.Context, allow bool) (*Page, error) {
	decision := "deny"
	if allow {
		decision = "allow"
	}
	return b.Submit(ctx, url.Values{"decision": {decision}})
}

// form is what a page asks for.
type form struct {
	action, method string
	values         url.Values // what would be sent untouched
	names          []string   // of all fields and buttons
	buttons        url.Values // by name, the values of the submit buttons
	first          url.Values // what the first of them adds; nil if there is none
}

// presses reports whether one of the fields is a submit button.
func (f *form) presses(fields url.Values) bool {
	for name := range fields {
		if f.buttons[name] != nil {
			return true
		}
	}
	return false
}

// takes reports whether the form has the fields, and the buttons the values.
func (f *form) takes(fields url.Values) bool {
	for name, values := range fields {
		if !slices.Contains(f.names, name) {
			return false
		}
		if offered := f.buttons[name]; offered != nil && (len(values) != 1 || !slices.Contains(offered, values[0])) {
			return false
		}
	}
	return true
}

func readForm(node *html.Node) *form {
	f := &form{action: attr(node, "action"), method: strings.ToUpper(attr(node, "method")), values: url.Values{}, buttons: url.Values{}}
	for n := range node.Descendants() {
		name := attr(n, "name")
		if f.first == nil && submits(n) {
			f.first = url.Values{}
			if name != "" {
				f.first.Set(name, attr(n, "value"))
			}
		}
		if n.Type != html.ElementNode || name == "" || has(n, "disabled") {
			continue
		}
		switch n.DataAtom {
		case atom.Button:
			if submits(n) {
				f.names = append(f.names, name)
				f.buttons.Add(name, attr(n, "value"))
			}
		case atom.Textarea:
			f.names = append(f.names, name)
			f.values.Add(name, strings.TrimPrefix(text(n), "\n"))
		case atom.Select:
			f.names = append(f.names, name)
			f.choose(name, n)
		case atom.Input:
			f.names = append(f.names, name)
			f.input(name, n)
		}
	}
	return f
}

// submits reports whether n is a button that sends its form.
func submits(n *html.Node) bool {
	switch kind := attr(n, "type"); {
	case has(n, "disabled"):
		return false
	case n.DataAtom == atom.Button:
		return kind == "" || kind == "submit"
	default:
		return n.DataAtom == atom.Input && (kind == "submit" || kind == "image")
	}
}

func (f *form) input(name string, n *html.Node) {
	switch kind := attr(n, "type"); kind {
	case "submit", "image":
		f.buttons.Add(name, attr(n, "value"))
	case "button", "reset", "file":
	case "checkbox", "radio":
		if has(n, "checked") {
			value := attr(n, "value")
			if !has(n, "value") {
				value = "on"
			}
			f.values.Add(name, value)
		}
	default:
		f.values.Add(name, attr(n, "value"))
	}
}

// choose takes the selected options of a select, or its first.
func (f *form) choose(name string, n *html.Node) {
	var first, chosen []string
	for o := range n.Descendants() {
		if o.DataAtom != atom.Option || has(o, "disabled") {
			continue
		}
		value := attr(o, "value")
		if !has(o, "value") {
			value = strings.TrimSpace(text(o))
		}
		if first == nil {
			first = []string{value}
		}
		if has(o, "selected") {
			chosen = append(chosen, value)
		}
	}
	if chosen == nil && !has(n, "multiple") {
		chosen = first
	}
	f.values[name] = append(f.values[name], chosen...)
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}
