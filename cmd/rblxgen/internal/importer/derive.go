package importer

import (
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// deriveMethod makes Cloud_ListGroupRoles into ListRoles. An operation without
// an id is named after its verb and path.
func deriveMethod(op spec.Operation, noun string) string {
	id := spec.Text(op.Object, "operationId")
	if id == "" {
		verb := map[string]string{"GET": "get", "POST": "create", "PUT": "set", "PATCH": "update", "DELETE": "delete"}[op.Verb]
		parts := strings.FieldsFunc(op.Path, func(r rune) bool { return r == '/' || r == ':' })
		last := "root"
		for _, part := range parts {
			if !strings.HasPrefix(part, "{") && (len(part) != 2 || part[0] != 'v') {
				last = part
			}
		}
		id = verb + "_" + last
	} else if _, after, ok := strings.Cut(id, "_"); ok && after != "" {
		id = after
	}
	id, _, _ = strings.Cut(id, "__")
	return without(strings.TrimSuffix(generator.GoName(id), "Async"), noun)
}

// deriveType makes GroupRole_RolePermissions into RolePermissions.
func deriveType(schema, noun string) string {
	var out string
	parts := strings.Split(baseName(schema), "_")
	for i, part := range parts {
		part = generator.GoName(part)
		if i == 0 {
			if part = without(part, noun); part == noun && len(parts) > 1 {
				part = ""
			}
		}
		out = joined(out, part)
	}
	return out
}

// derivePart names what stands in a type without a name of its own: Visibility
// in Universe is Visibility, in SocialNetworkProfiles it is
// SocialNetworkProfilesVisibility.
func derivePart(goName, property, noun string) string {
	if goName == noun {
		goName = ""
	}
	return joined(goName, generator.GoName(property))
}

// joined puts two names together and lets the second repeat the first.
func joined(a, b string) string {
	if strings.HasPrefix(b, a) {
		return b
	}
	return a + b
}

// baseName is a schema's name without the prefixes that it gains and loses:
// Roblox.Groups.Api.Page_Roblox.Groups.Api.Item_ is Page_Item_.
func baseName(schema string) string {
	if !strings.HasSuffix(schema, "_") {
		return schema[strings.LastIndexByte(schema, '.')+1:]
	}
	parts := strings.Split(schema, "_") // a generic type of .NET, spelled out
	for i, part := range parts {
		parts[i] = part[strings.LastIndexByte(part, '.')+1:]
	}
	return strings.Join(parts, "_")
}

// without removes the noun from a name in which other words follow it.
func without(name, noun string) string {
	i := strings.Index(name, noun)
	if noun == "" || i < 0 {
		return name
	}
	rest := name[i+len(noun):]
	if rest == "" || rest[0] < 'A' || rest[0] > 'Z' {
		return name
	}
	if rest == "Request" || rest == "Response" {
		return name
	}
	return name[:i] + rest
}
