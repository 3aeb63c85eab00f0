package importer

import (
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// facts keeps the names of scopes, the numbers of limits, the credentials, the
// host and the operations that are recommended instead.
func facts(doc spec.Object) (n int) {
	for _, op := range spec.Operations(doc) {
		n++
		var scopes []any
		for _, e := range spec.List(op.Object, "x-roblox-scopes") {
			switch e := e.(type) {
			case spec.Object:
				if spec.Text(e, "name") != "" {
					scopes = append(scopes, spec.Text(e, "name"))
				}
			case string:
				scopes = append(scopes, e)
			}
		}
		delete(op.Object, "x-roblox-scopes")
		if len(scopes) > 0 {
			op.Object["x-roblox-scopes"] = scopes
		}
		limits := spec.Object{}
		for _, who := range []string{"perApiKeyOwner", "perOauth2Authorization"} {
			limit := spec.At(op.Object, "x-roblox-rate-limits", who)
			if count, ok := limit["maxInPeriod"].(int); ok && spec.Text(limit, "period") != "" {
				limits[who] = spec.Object{"maxInPeriod": count, "period": spec.Text(limit, "period")}
			}
		}
		delete(op.Object, "x-roblox-rate-limits")
		if len(limits) > 0 {
			op.Object["x-roblox-rate-limits"] = limits
		}
		op.Object["security"] = credentials(op)
		if servers := spec.List(op.Object, "servers"); len(servers) > 0 {
			o, _ := servers[0].(spec.Object)
			if host := strings.TrimSuffix(spec.Text(o, "url"), "/"); strings.HasPrefix(host, "https://") && host != "https://apis.roblox.com" {
				op.Object["x-rblx-host"] = host
			}
			delete(op.Object, "servers")
		}
		alternatives(op.Object)
	}
	return n
}

// credentials lists those that the module has.
func credentials(op spec.Operation) (out []any) {
	for _, scheme := range []string{"roblox-api-key", "roblox-oauth2"} {
		if slices.ContainsFunc(spec.List(op.Object, "security"), func(e any) bool {
			o, _ := e.(spec.Object)
			return o[scheme] != nil
		}) {
			out = append(out, spec.Object{scheme: []any{}})
		}
	}
	return out
}

// alternatives keeps the operations that are recommended instead. The extension
// had another name before 2026.
func alternatives(op spec.Object) {
	var out []any
	for _, key := range []string{"x-roblox-recommended-alternatives", "x-roblox-alternatives"} {
		for _, e := range spec.List(op, key) {
			if o, _ := e.(spec.Object); spec.Text(o, "url") != "" {
				out = append(out, spec.Object{"httpMethod": strings.ToUpper(spec.Text(o, "httpMethod")), "url": spec.Text(o, "url")})
			}
		}
		delete(op, key)
	}
	if len(out) > 0 {
		op["x-roblox-recommended-alternatives"] = out
	}
}

// dropProse removes every sentence, and the extensions that nothing reads.
func dropProse(doc spec.Object) (n int) {
	keep := []string{
		"x-roblox-scopes", "x-roblox-rate-limits", "x-roblox-stability", "x-rblx-host", "x-rblx-order", "x-roblox-recommended-alternatives",
		"x-immutable", "x-enum-varnames", "x-long-running-operation-parameters",
	}
	prose := []string{"description", "summary", "title", "externalDocs", "example", "examples", "tags", "xml"}
	var drop func(v any, named bool)
	drop = func(v any, named bool) {
		switch v := v.(type) {
		case spec.Object:
			for _, k := range spec.Keys(v) {
				if _, decides := v[k].(bool); k == "default" && decides {
					continue // what is sent where nothing is set
				}
				if !named && (slices.Contains(prose, k) || k == "default" || strings.HasPrefix(k, "x-") && !slices.Contains(keep, k)) {
					delete(v, k)
					n++
					continue
				}
				// Below these keys stand names that users chose, not keywords.
				drop(v[k], !named && hasNames(k))
			}
		case []any:
			for _, e := range v {
				drop(e, false)
			}
		}
	}
	drop(doc, false)
	// OpenAPI demands a description of every response.
	for _, op := range spec.Operations(doc) {
		responses := spec.At(op.Object, "responses")
		for _, status := range spec.Keys(responses) {
			spec.At(responses, status)["description"] = "Success."
		}
	}
	return n
}
