package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// methodValue is one opencloud.Method.
type methodValue struct{ Var, Doc, Literal string }

// methodLiteral writes the operation down as an opencloud.Method.
func methodLiteral(family, name string, op spec.Operation) methodValue {
	key, oauth := accepts(op.Object)
	var lit strings.Builder
	fmt.Fprintf(&lit, "\tName: %q, Verb: %q, Path: %q,\n", family+"."+name, op.Verb, op.Path)
	if host := spec.Text(op.Object, "x-rblx-host"); host != "" {
		fmt.Fprintf(&lit, "\tHost: %q,\n", host)
	}
	if scopes := spec.Strings(op.Object, "x-roblox-scopes"); len(scopes) > 0 {
		fmt.Fprintf(&lit, "\tScopes: %#v,\n", scopes)
	}
	switch {
	case key && oauth:
		lit.WriteString("\tKey: true, OAuth: true,\n")
	case key:
		lit.WriteString("\tKey: true,\n")
	case oauth:
		lit.WriteString("\tOAuth: true,\n")
	}
	for _, l := range [][2]string{{"KeyLimit", "perApiKeyOwner"}, {"TokenLimit", "perOauth2Authorization"}} {
		if limit := limit(op.Object, l[1]); limit.Max > 0 {
			fmt.Fprintf(&lit, "\t%s: opencloud.Limit{Max: %d, Per: %s},\n", l[0], limit.Max, periods()[limit.Period])
		}
	}
	if class := class(op); class != "Unsafe" {
		fmt.Fprintf(&lit, "\tClass: opencloud.%s,\n", class)
	}
	if s := spec.Text(op.Object, "x-roblox-stability"); s != "" {
		fmt.Fprintf(&lit, "\tStability: %q,\n", s)
	}
	return methodValue{Literal: lit.String()}
}

// periods are those of limits, in Go.
func periods() map[string]string {
	return map[string]string{"second": "time.Second", "minute": "time.Minute", "hour": "time.Hour", "day": "24 * time.Hour"}
}

// class says whether the operation may be sent twice. PATCH counts as unsafe:
// some of Roblox's patches add and do not set.
func class(op spec.Operation) string {
	if c := spec.Text(op.Object, "x-rblx-class"); c != "" {
		return c
	}
	keyed := slices.ContainsFunc(spec.List(op.Object, "parameters"), func(e any) bool {
		p, _ := e.(spec.Object)
		return strings.EqualFold(spec.Text(p, "name"), "x-idempotency-key") && spec.Flag(p, "required")
	})
	switch {
	case op.Verb == "GET":
		return "Safe"
	case op.Verb == "PUT", op.Verb == "DELETE":
		return "Idempotent"
	case keyed:
		return "IdempotentByKey"
	}
	return "Unsafe"
}
