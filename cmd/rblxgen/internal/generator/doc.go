package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// typeDoc returns the type's comment: the overlay's sentence if there is one,
// otherwise where the type is met.
func (f *family) typeDoc(name string) string {
	schema := spec.At(f.schemas(), name)
	if d := spec.Text(schema, "description"); d != "" && spec.Text(schema, "x-rblx-sent-as") == "" {
		return name + " " + d
	}
	var returned, sent, parts []string
	for _, op := range spec.Operations(f.doc) {
		method := methodName(op.Object)
		if f.refersTo(op.Object, name) {
			sent = append(sent, method)
		}
		if slices.Contains(spec.Refs(op.Object["responses"]), name) {
			returned = append(returned, method)
		}
	}
	for _, other := range spec.Keys(f.schemas()) {
		if slices.Contains(spec.Refs(spec.At(f.schemas(), other, "properties")), name) {
			parts = append(parts, other)
		}
	}
	var takes []string
	for _, op := range spec.Operations(f.doc) {
		if slices.Contains(spec.Refs(op.Object["parameters"]), name) {
			takes = append(takes, methodName(op.Object))
		}
	}
	of := join(parts)
	does := func(verb string, names []string) string {
		slices.Sort(names) // a method over two operations is there twice
		if names = slices.Compact(names); len(names) == 1 {
			verb += "s"
		}
		return join(names) + " " + verb
	}
	switch {
	case len(sent) > 0 && f.masked(name):
		return fmt.Sprintf("%s is what %s: the fields that are set. The others stay as they are.", name, does("change", sent))
	case len(sent) > 0:
		return fmt.Sprintf("%s is what %s.", name, does("send", sent))
	case len(returned) > 0:
		return fmt.Sprintf("%s is what %s.", name, does("return", returned))
	case len(spec.List(schema, "enum")) > 0 && of != "":
		return fmt.Sprintf("%s is a kind of value in %s.", name, of)
	case of != "":
		return fmt.Sprintf("%s is part of %s.", name, of)
	case len(takes) > 0:
		return fmt.Sprintf("%s is a kind of value that %s.", name, does("take", takes))
	}
	return name + " is a type of the API."
}

// deprecation is the paragraph that tools look for.
func deprecation(o spec.Object) string {
	reason := spec.Text(o, "x-deprecated-reason")
	if reason == "" {
		reason = "Roblox says so, and not why"
	}
	return "Deprecated: " + reason + "."
}

// methodDoc composes the method's comment from facts and the overlay.
func (f *family) methodDoc(name string, ops []spec.Operation) string {
	var calls []string
	for _, op := range ops {
		calls = append(calls, op.Key())
	}
	first := ops[0].Object
	out := name + " "
	if d := spec.Text(first, "description"); d != "" {
		out += d + "\n\nIt calls " + strings.Join(calls, " or ") + "."
	} else {
		out += "calls " + strings.Join(calls, " or ") + "."
	}
	out += " " + facts(first)
	if better := f.alternatives(first); better != "" {
		out += "\n\n" + better
	}
	if spec.Flag(first, "deprecated") {
		out += "\n\n" + deprecation(first)
	}
	return out
}

// alternatives names the methods that Roblox recommends in place of this one.
func (f *family) alternatives(op spec.Object) string {
	var better []string
	for _, e := range spec.List(op, "x-roblox-recommended-alternatives") {
		o, _ := e.(spec.Object)
		_, path, _ := strings.Cut(spec.Text(o, "url"), "roblox.com")
		key := strings.ToUpper(spec.Text(o, "httpMethod")) + " " + path
		for _, other := range spec.Operations(f.whole) {
			if !sameOperation(other.Key(), key) {
				continue
			}
			family, name, _ := strings.Cut(spec.Text(other.Object, "operationId"), ".")
			if method := spec.Text(other.Object, "x-rblx-method"); method != "" {
				name = method
			}
			if family == f.name {
				better = append(better, "[Client."+name+"]")
			} else {
				better = append(better, family+"."+name)
			}
		}
	}
	if len(better) == 0 {
		return ""
	}
	return "Roblox recommends " + join(better) + " in its place."
}

// sameOperation compares keys as Roblox writes them in references: with the
// service's name cut short.
func sameOperation(key, reference string) bool {
	return key == reference || strings.ReplaceAll(key, "/toolbox-service/", "/toolbox/") == reference
}

// facts says what a caller must know of the operation.
func facts(op spec.Object) string {
	var out []string
	key, oauth := accepts(op)
	switch {
	case key && oauth:
		out = append(out, "It accepts an API key or OAuth.")
	case key:
		out = append(out, "It accepts an API key, not OAuth.")
	case oauth:
		out = append(out, "It accepts OAuth, not an API key.")
	}
	if scopes := spec.Strings(op, "x-roblox-scopes"); len(scopes) > 0 {
		out = append(out, "Scopes: "+strings.Join(scopes, ", ")+".")
	}
	var limits []string
	if l := limit(op, "perApiKeyOwner"); l.Max > 0 {
		limits = append(limits, fmt.Sprintf("%d per %s and owner of the key", l.Max, l.Period))
	}
	if l := limit(op, "perOauth2Authorization"); l.Max > 0 {
		limits = append(limits, fmt.Sprintf("%d per %s and authorization", l.Max, l.Period))
	}
	if len(limits) > 0 {
		out = append(out, "Limit: "+strings.Join(limits, ", ")+".")
	}
	if s := spec.Text(op, "x-roblox-stability"); s != "" {
		out = append(out, "Stability: "+strings.ToLower(s)+".")
	}
	return strings.Join(out, " ")
}

// join lists names in a sentence.
func join(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// rateLimit is a documented limit.
type rateLimit struct {
	Max    int
	Period string // second, minute, hour or day
}

// noLimit is the number from which a documented limit means that there is none.
const noLimit = 1_000_000

// limit reads one limit of the operation; zero if there is none, or none of a
// known period.
func limit(op spec.Object, who string) rateLimit {
	o := spec.At(op, "x-roblox-rate-limits", who)
	n, _ := o["maxInPeriod"].(int)
	period := strings.ToLower(spec.Text(o, "period"))
	if n >= noLimit || periods()[period] == "" {
		return rateLimit{}
	}
	return rateLimit{Max: n, Period: period}
}

// accepts reports the credentials that the operation takes.
func accepts(op spec.Object) (key, oauth bool) {
	for _, s := range spec.List(op, "security") {
		o, _ := s.(spec.Object)
		_, k := o["roblox-api-key"]
		_, t := o["roblox-oauth2"]
		_, b := o["bearer"]
		key, oauth = key || k, oauth || t || b
	}
	return key, oauth
}
