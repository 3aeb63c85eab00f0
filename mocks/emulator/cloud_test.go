package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// key calls Open Cloud with the API key.
func (a *app) key(method, path, body string) answer {
	a.t.Helper()
	return a.send(a.request(method, path, body, "X-Api-Key", a.APIKey(), "Content-Type", "application/json"))
}

// bearer calls Open Cloud with an access token.
func (a *app) bearer(token any, method, path, body string) answer {
	a.t.Helper()
	return a.send(a.request(method, path, body, "Authorization", "Bearer "+token.(string)))
}

func TestCloudCredentials(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := a.signIn().body["access_token"].(string)
	limited := a.signIn("scope", "openid").body["access_token"].(string)
	publish := "/cloud/v2/universes/8801:publishMessage"
	for name, tc := range map[string]struct {
		method, path string
		header       []string
		status       int
		shape        string
	}{
		"none":            {"GET", "/cloud/v2/users/156", nil, 401, "gateway"},
		"key":             {"GET", "/cloud/v2/users/156", []string{"X-Api-Key", a.APIKey()}, 200, ""},
		"wrong key":       {"GET", "/cloud/v2/users/156", []string{"X-Api-Key", "x"}, 401, "gateway"},
		"bearer":          {"GET", "/cloud/v2/users/156", []string{"Authorization", "Bearer " + token}, 200, ""},
		"forged bearer":   {"GET", "/cloud/v2/users/156", []string{"Authorization", "Bearer " + token + "x"}, 401, "gateway"},
		"basic":           {"GET", "/cloud/v2/users/156", []string{"Authorization", "Basic " + token}, 401, "gateway"},
		"missing scope":   {"POST", publish, []string{"Authorization", "Bearer " + limited}, 401, "gateway"},
		"not consented":   {"POST", "/cloud/v2/universes/8803:publishMessage", []string{"Authorization", "Bearer " + token}, 403, "v2"},
		"key only":        {"GET", "/cloud/v2/universes/8801/data-stores", []string{"Authorization", "Bearer " + token}, 401, "gateway"},
		"key only, v1":    {"GET", "/datastores/v1/universes/8801/standard-datastores", []string{"Authorization", "Bearer " + token}, 401, "gateway"},
		"unknown user":    {"GET", "/cloud/v2/users/1", []string{"X-Api-Key", a.APIKey()}, 404, "v2"},
		"unknown path":    {"GET", "/cloud/v2/nonsense", []string{"X-Api-Key", a.APIKey()}, 501, "gateway"},
		"dot segment":     {"GET", "/cloud/v2/groups/../users/156", []string{"X-Api-Key", a.APIKey()}, 404, "gateway"},
		"method":          {"PUT", "/cloud/v2/users/156", []string{"X-Api-Key", a.APIKey()}, 501, "gateway"},
		"v1 error":        {"POST", "/messaging-service/v1/universes/1/topics/t", []string{"X-Api-Key", a.APIKey()}, 404, "v1"},
		"bad v2 message":  {"POST", publish, []string{"X-Api-Key", a.APIKey()}, 400, "v2"},
		"group not given": {"GET", "/cloud/v2/groups/7002/roles", []string{"Authorization", "Bearer " + token}, 403, "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.send(a.request(tc.method, tc.path, "", tc.header...))
			want(t, got, tc.status, "")
			shapes := map[string]bool{"gateway": got.body["errors"] != nil, "v2": got.body["code"] != nil, "v1": got.body["error"] != nil}
			for shape, is := range shapes {
				if is != (shape == tc.shape) {
					t.Errorf("%s is of shape %s: %v", got.text, shape, is)
				}
			}
		})
	}
}

// A 404 would tell a caller that what it asks for does not exist.
func TestOperationsThatAreNotHere(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, call := range []string{"POST /asset-permissions-api/v1/assets/permissions", "GET /cloud/v2/universes/8801/places/1/instances/1", "POST /cloud/v2/universes/8801:translateText"} {
		method, path, _ := strings.Cut(call, " ")
		got := a.key(method, path, "{}")
		want(t, got, 501, "")
		if !strings.Contains(got.text, "Package mocks") {
			t.Errorf("%s: %s", call, got.text)
		}
	}
	a.Fault(emulator.Fault{Endpoint: emulator.EndpointCloud, Kind: emulator.Status, Status: 429})
	want(t, a.key("POST", "/cloud/v2/universes/8801:translateText", "{}"), 429, "")
	if got := a.Log().To(emulator.EndpointCloud); len(got) != 4 {
		t.Errorf("%d calls in the log: %v", len(got), got)
	}
	for _, path := range []string{"/", "/favicon.ico", "/oauth/v1/nothing"} {
		want(t, a.send(a.request("GET", path, "")), 404, "")
	}
}

func TestRestartServers(t *testing.T) {
	t.Parallel()
	a := start(t)
	want(t, a.key("POST", "/cloud/v2/universes/8801:restartServers", "{}"), 200, "")
	want(t, a.key("POST", "/cloud/v2/universes/8801:restartServers", ""), 400, "")
	want(t, a.key("POST", "/cloud/v2/universes/1:restartServers", "{}"), 404, "")
	token := a.signIn("scope", "openid universe:write").body["access_token"]
	want(t, a.bearer(token, "POST", "/cloud/v2/universes/8801:restartServers", "{}"), 200, "")
	want(t, a.bearer(token, "POST", "/cloud/v2/universes/8803:restartServers", "{}"), 403, "")
}

func TestUnauthorizedSaysWhy(t *testing.T) {
	t.Parallel()
	a := start(t)
	limited := a.signIn("scope", "openid").body["access_token"]
	if h := a.bearer(limited, "PATCH", "/cloud/v2/universes/8801", "{}").Header.Get("WWW-Authenticate"); h != "" {
		t.Errorf("a missing scope says %q: nothing tells it from other 401s", h)
	}
	a.Advance(1e12)
	if h := a.bearer(limited, "GET", "/cloud/v2/users/156", "").Header.Get("WWW-Authenticate"); h != `Bearer error="invalid_token"` {
		t.Errorf("an expired token says %q", h)
	}
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	a := start(t)
	full := a.key("GET", "/cloud/v2/users/156", "")
	if full.body["premium"] != true || full.body["socialNetworkProfiles"] == nil || full.body["path"] != "users/156" || full.body["name"] != "juniper_builds" {
		t.Errorf("with the key: %s", full.text)
	}
	bare := a.bearer(a.signIn().body["access_token"], "GET", "/cloud/v2/users/156", "")
	if bare.body["displayName"] != "Juniper" || bare.body["premium"] != nil || bare.body["socialNetworkProfiles"] != nil {
		t.Errorf("without scopes: %s", bare.text)
	}
	advanced := a.bearer(a.signIn("scope", "openid user.advanced:read").body["access_token"], "GET", "/cloud/v2/users/257", "")
	if advanced.body["premium"] != false || advanced.body["idVerified"] != false {
		t.Errorf("with user.advanced:read: %s", advanced.text)
	}
	picture := a.key("GET", "/cloud/v2/users/156:generateThumbnail?size=420", "")
	if picture.body["done"] != true || !strings.Contains(picture.text, base+"/emulator/avatars/156") {
		t.Errorf("thumbnail: %s", picture.text)
	}
	want(t, a.key("GET", "/cloud/v2/users/156:generateThumbnail?size=9000", ""), 400, "")
}

func TestUpdateUniverse(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := "/cloud/v2/universes/8801"
	if got := a.key("GET", at, ""); got.body["displayName"] != "Lantern Harbor" || got.body["user"] != "users/156" || got.body["voiceChatEnabled"] != nil {
		t.Errorf("before: %s", got.text)
	}
	got := a.key("PATCH", at+"?updateMask=voiceChatEnabled,discordSocialLink,privateServerPriceRobux",
		`{"displayName":"ignored","voiceChatEnabled":true,"discordSocialLink":{"title":"Talk","uri":"https://example.com/"},"privateServerPriceRobux":0}`)
	want(t, got, 200, "")
	if got.body["displayName"] != "Lantern Harbor" || got.body["voiceChatEnabled"] != true || got.body["privateServerPriceRobux"] != 0.0 {
		t.Errorf("after: %s", got.text)
	}
	cleared := a.key("PATCH", at+"?updateMask=discordSocialLink,voiceChatEnabled", `{}`)
	if cleared.body["discordSocialLink"] != nil || cleared.body["voiceChatEnabled"] != nil || cleared.body["privateServerPriceRobux"] != 0.0 {
		t.Errorf("cleared: %s", cleared.text)
	}
	if got := a.key("PATCH", at, `{"displayName":"Harbor"}`); got.body["displayName"] != "Harbor" {
		t.Errorf("without a mask: %s", got.text)
	}
	for _, bad := range [][2]string{
		{"?updateMask=nonsense", "{}"}, {"?updateMask=rootPlace", "{}"}, {"?updateMask=displayName", "{}"},
		{"", "["}, {"", `{"voiceChatEnabled":"yes"}`}, {"", `{"visibility":"SECRET"}`},
	} {
		want(t, a.key("PATCH", at+bad[0], bad[1]), 400, "")
	}
	want(t, a.key("PATCH", "/cloud/v2/universes/1", "{}"), 404, "")
	want(t, a.bearer(a.signIn("scope", "universe:write").body["access_token"], "PATCH", at, `{"visibility":"PRIVATE"}`), 200, "")
	if got := a.key("GET", at, ""); got.body["visibility"] != "PRIVATE" || got.body["displayName"] != "Harbor" {
		t.Errorf("at last: %s", got.text)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := a.signIn().body["access_token"]
	want(t, a.bearer(token, "POST", "/cloud/v2/universes/8801:publishMessage", `{"topic":"news","message":"hello"}`), 200, "")
	if got := a.key("POST", "/messaging-service/v1/universes/8804/topics/a%2Fb", `{"message":"hi"}`); got.StatusCode != 200 || got.text != "" {
		t.Errorf("v1: %d %q", got.StatusCode, got.text)
	}
	for _, bad := range []string{"", `{}`, `{"topic":"x"}`, `{"message":"x"}`, `{"topic":"x","message":""}`,
		`{"topic":"` + strings.Repeat("t", 81) + `","message":"x"}`, `{"topic":"x","message":"` + strings.Repeat("m", 1025) + `"}`} {
		want(t, a.key("POST", "/cloud/v2/universes/8801:publishMessage", bad), 400, "")
	}
	got := a.Messages()
	for i := range got {
		if got[i].Time.IsZero() {
			t.Error("a message has no time")
		}
		got[i].Time = emulator.Message{}.Time
	}
	if diff := cmp.Diff([]emulator.Message{
		{Universe: "8801", Topic: "news", Message: "hello", UserID: "156"},
		{Universe: "8804", Topic: "a/b", Message: "hi"},
	}, got); diff != "" {
		t.Error(diff)
	}
}

// pages collects the items of a list over all its pages.
func (a *app) pages(path, name string) (items []any, sizes []int) {
	a.t.Helper()
	token := ""
	for {
		got := a.key("GET", path+"&pageToken="+url.QueryEscape(token), "")
		want(a.t, got, 200, "")
		page, _ := got.body[name].([]any)
		items, sizes = append(items, page...), append(sizes, len(page))
		if token, _ = got.body["nextPageToken"].(string); token == "" {
			return items, sizes
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := "/cloud/v2/groups/7001"
	if got := a.key("GET", at, ""); got.body["owner"] != "users/156" || got.body["memberCount"] != 132.0 {
		t.Errorf("group %s", got.text)
	}
	roles, _ := a.pages(at+"/roles?maxPageSize=3", "groupRoles")
	if len(roles) != 4 || roles[1].(map[string]any)["memberCount"] != 131.0 {
		t.Errorf("roles %v", roles)
	}
	admin := a.key("GET", at+"/roles/70012", "")
	if may, _ := admin.body["permissions"].(map[string]any); len(may) != 30 || may["banMembers"] != true {
		t.Errorf("an admin may %v", may)
	}
	want(t, a.key("GET", at+"/roles/1", ""), 404, "")
	for query, pages := range map[string][]int{"maxPageSize=50": {50, 50, 32}, "maxPageSize=1000": {99, 33}} {
		if _, sizes := a.pages(at+"/memberships?"+query, "groupMemberships"); !cmp.Equal(sizes, pages) {
			t.Errorf("%s gave pages of %v, want %v", query, sizes, pages)
		}
	}
	for filter, n := range map[string]int{
		"user in ['users/156', 'users/257', 'users/1']": 2,
		"user == 'users/5001'":                          1,
		"role == 'groups/7001/roles/70013'":             1,
		"user in []":                                    0,
	} {
		got, _ := a.pages(at+"/memberships?filter="+url.QueryEscape(filter), "groupMemberships")
		if len(got) != n {
			t.Errorf("%s found %d, want %d", filter, len(got), n)
		}
	}
	everywhere, _ := a.pages("/cloud/v2/groups/-/memberships?filter="+url.QueryEscape("user == 'users/257'"), "groupMemberships")
	if len(everywhere) != 2 {
		t.Errorf("over all groups: %v", everywhere)
	}
	for _, bad := range []string{at + "/memberships?filter=x", at + "/memberships?pageToken=x", at + "/memberships?maxPageSize=x", "/cloud/v2/groups/-/memberships"} {
		want(t, a.key("GET", bad, ""), 400, "")
	}
}

func TestMembershipRoles(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := "/cloud/v2/groups/7001/memberships/MjU3" // 257
	admin, member := `{"role":"groups/7001/roles/70012"}`, `{"role":"groups/7001/roles/70011"}`
	if got := a.key("POST", at+":assignRole", admin); len(got.body["roles"].([]any)) != 2 || got.body["user"] != "users/257" {
		t.Errorf("assignRole: %s", got.text)
	}
	if got := a.key("POST", at+":unassignRole", member); len(got.body["roles"].([]any)) != 1 || got.body["role"] != "groups/7001/roles/70012" {
		t.Errorf("unassignRole: %s", got.text)
	}
	if got := a.key("PATCH", at, member); got.body["role"] != "groups/7001/roles/70011" {
		t.Errorf("update: %s", got.text)
	}
	want(t, a.key("PATCH", at, `{"role":"groups/7001/roles/70013"}`), 400, "")
	want(t, a.key("PATCH", at, `x`), 400, "")
	want(t, a.key("PATCH", "/cloud/v2/groups/7001/memberships/MTU2", member), 403, "") // the owner
	want(t, a.key("PATCH", "/cloud/v2/groups/7001/memberships/x", member), 404, "")
}

func TestJoinRequests(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := "/cloud/v2/groups/7002/join-requests"
	requests, _ := a.pages(at+"?x=", "groupJoinRequests")
	if len(requests) != 3 {
		t.Fatalf("join requests %v", requests)
	}
	id := func(i int) string {
		path := requests[i].(map[string]any)["path"].(string)
		return path[strings.LastIndexByte(path, '/'):]
	}
	want(t, a.key("POST", at+id(0)+":accept", ""), 400, "") // the body must be {}
	want(t, a.key("POST", at+id(0)+":accept", "{}"), 200, "")
	want(t, a.key("POST", at+id(1)+":decline", "{}"), 200, "")
	want(t, a.key("POST", at+id(1)+":decline", "{}"), 404, "")
	if left, _ := a.pages(at+"?x=", "groupJoinRequests"); len(left) != 1 {
		t.Errorf("%d requests are left, want 1", len(left))
	}
	if one, _ := a.pages(at+"?filter="+url.QueryEscape("user == 'users/358'"), "groupJoinRequests"); len(one) != 1 {
		t.Errorf("the filter found %v", one)
	}
	if members, _ := a.pages("/cloud/v2/groups/7002/memberships?x=", "groupMemberships"); len(members) != 2 {
		t.Errorf("%d members, want 2", len(members))
	}
	token := a.signIn("scope", "group:read").body["access_token"]
	want(t, a.bearer(token, "GET", "/cloud/v2/groups/7001/join-requests", ""), 200, "")
	want(t, a.bearer(token, "GET", at, ""), 403, "") // another account's group
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func member(got answer, name string) string { return fmt.Sprint(got.body[name]) }
