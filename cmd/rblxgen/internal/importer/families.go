package importer

import (
	"go/token"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// rule places the operations whose path it matches.
type rule struct {
	family string
	noun   string // what the family's names need not repeat
	path   string // as a regular expression
}

// rules are tried in order; the first that matches places the operation. A {}
// stands for a path parameter.
func rules() []rule {
	return []rule{
		{"datastores", "DataStore", `/cloud/v2/universes/{}/(ordered-)?data-stores.*`},
		{"datastores", "DataStore", `/(datastores|ordered-data-stores)/v1/.*`},
		{"memorystores", "MemoryStore", `/cloud/v2/universes/{}/memory-store.*`},
		{"luau", "LuauExecutionSession", `/cloud/v2/universes/{}/(places/{}/)?(versions/{}/)?luau-execution-.*`},
		{"instances", "Instance", `/cloud/v2/universes/{}/places/{}/instances.*`},
		{"restrictions", "User", `/cloud/v2/universes/{}/(places/{}/)?user-restrictions.*`},
		{"secrets", "", `/cloud/v2/universes/{}/secrets.*`},
		{"subscriptions", "", `/cloud/v2/universes/{}/subscription-products/.*`},
		{"messaging", "Universe", `/cloud/v2/universes/{}:publishMessage`},
		{"messaging", "", `/messaging-service/.*`},
		{"servers", "Game", `/server-management/.*`},
		{"servers", "Universe", `/cloud/v2/universes/{}:restartServers`},
		{"places", "Place", `/cloud/v2/universes/{}/places/{}`},
		{"places", "Place", `/universes/v1/{}/places/{}/versions|/place-version-history-api/.*`},
		{"universes", "Universe", `/cloud/v2/universes/{}(:\w+)?`},
		{"universes", "Universe", `/legacy-develop/v1/universes/(multiget/permissions|{}/(permissions|activate|deactivate))`},
		{"teamcreate", "TeamCreate", `/legacy-develop/.*/(teamcreate|teamtest)(/.*)?`},
		{"groups", "Group", `/cloud/v2/groups/.*`},
		{"groups", "Group", `/legacy-groups/.*|/legacy-develop/v1/user/groups/canmanage`},
		{"assets", "Asset", `/(assets|asset-delivery-api|asset-permissions-api)/.*`},
		{"assets", "", `/cloud/v2/users/{}/asset-quotas`},
		{"users", "User", `/cloud/v2/users/.*`},
		{"followings", "", `/legacy-followings/.*`},
		{"creatorstore", "CreatorStore", `/cloud/v2/creator-store-products.*|/toolbox-service/.*`},
		{"ads", "", `/ads-management/.*`},
		{"thumbnails", "Homepage", `/thumbnail-personalization-api/.*`},
		{"thumbnails", "", `/v1/(assets-thumbnail-3d|users/avatar-3d|users/outfit-3d)`},
		{"experiments", "Experiment", `/creator-configs-public-api/v1/experimentation.*`},
		{"configs", "ConfigRepository", `/creator-configs-public-api/.*`},
		{"localization", "", `/legacy-(game-internationalization|localization-tables)/.*`},
		{"events", "Game", `/virtual-events/.*`},
		{"analytics", "", `/analytics-query-api/.*`},
		{"gamepasses", "", `/game-passes/.*`},
		{"developerproducts", "Developer", `/developer-products/.*`},
		{"badges", "Badge", `/legacy-badges/.*|/legacy-publish/v1/badges/.*`},
	}
}

// noun returns what the names of a family need not repeat.
func noun(family string) string {
	for _, r := range rules() {
		if r.family == family {
			return r.noun
		}
	}
	return ""
}

// place returns the operation's family. Where no rule has one it is made of
// the path, and made is true.
func place(path string) (family string, made bool) {
	for i, r := range rules() {
		if compiled()[i].MatchString(path) {
			return r.family, false
		}
	}
	return familyOf(path), true
}

// compiled are the rules' expressions.
//
//nolint:gochecknoglobals // compiled once, never changed
var compiled = sync.OnceValue(func() (out []*regexp.Regexp) {
	for _, r := range rules() {
		out = append(out, regexp.MustCompile("^("+strings.ReplaceAll(r.path, "{}", `\{[^/}]+\}`)+")$"))
	}
	return out
})

// familyOf makes a family's name of the first segment of a path that says
// something: the service, or below /cloud/v2 the kind of resource, which
// belongs to a universe or place more often than not.
func familyOf(path string) string {
	var segments []string
	for s := range strings.SplitSeq(path, "/") {
		s, _, _ = strings.Cut(s, ":")
		if s == "" || strings.HasPrefix(s, "{") || regexp.MustCompile(`^v\d+$`).MatchString(s) {
			continue
		}
		segments = append(segments, s)
	}
	for len(segments) > 1 && slices.Contains([]string{"cloud", "universes", "places"}, segments[0]) {
		segments = segments[1:]
	}
	if len(segments) == 0 {
		return "misc"
	}
	name := strings.ToLower(segments[0])
	for _, word := range []string{"legacy-", "-public", "-api", "-service"} { // of the many names for a service
		name = strings.ReplaceAll(name, word, "")
	}
	name = regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(name, "")
	switch {
	case name == "", name[0] >= '0' && name[0] <= '9':
		return "x" + name
	case token.IsKeyword(name), slices.Contains([]string{ // of another meaning
		"api", "internal", "oauthv1", "mocks", "main", "opencloud", "vendor", "testdata", "context", "fmt", "json", "time",
	}, name):
		return name + "x"
	}
	return name
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
