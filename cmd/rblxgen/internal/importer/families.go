package importer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// rule places the operations whose path it matches.
type rule struct {
	family string
	noun   string // what the family's names need not repeat
	path   *regexp.Regexp
}

// rules are tried in order; the first that matches places the operation.
func rules() []rule {
	of := func(family, noun, path string) rule { return rule{family, noun, regexp.MustCompile("^" + path + "$")} }
	return []rule{
		of("datastores", "DataStore", `/cloud/v2/universes/\{[^/]+\}/(ordered-)?data-stores.*`),
		of("messaging", "Universe", `/cloud/v2/universes/\{[^/]+\}:publishMessage`),
		of("universes", "Universe", `/cloud/v2/universes/\{[^/:]+\}(:restartServers)?`),
		of("groups", "Group", `/cloud/v2/groups/.*`),
		of("users", "User", `/cloud/v2/users/.*`),
	}
}

// nouns maps families to what their names need not repeat.
func nouns() map[string]string {
	out := map[string]string{}
	for _, r := range rules() {
		out[r.family] = r.noun
	}
	return out
}

// place returns the operation's family, or why it has none yet.
func place(op spec.Operation) (family, reason string) {
	for _, r := range rules() {
		if !r.path.MatchString(op.Path) {
			continue
		}
		if op.Object["x-long-running-operation-parameters"] != nil || strings.Contains(op.Path, "/operations/") {
			return "", "long-running"
		}
		return r.family, ""
	}
	return "", "no family rule"
}

// accepted reports whether the operation takes an API key or OAuth. All others
// take a browser's cookie, which the module never asks anybody for.
func accepted(op spec.Operation) bool {
	return slices.ContainsFunc(spec.List(op.Object, "security"), func(e any) bool {
		o, _ := e.(spec.Object)
		_, key := o["roblox-api-key"]
		_, oauth := o["roblox-oauth2"]
		return key || oauth
	})
}
