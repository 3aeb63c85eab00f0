package emulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Group is a community.
type Group struct {
	Path               string    `json:"path"`
	CreateTime         time.Time `json:"createTime"`
	UpdateTime         time.Time `json:"updateTime"`
	ID                 string    `json:"id"`
	DisplayName        string    `json:"displayName"`
	Description        string    `json:"description,omitempty"`
	Owner              string    `json:"owner"`
	MemberCount        int       `json:"memberCount"`
	PublicEntryAllowed bool      `json:"publicEntryAllowed,omitempty"`
	Locked             bool      `json:"locked,omitempty"`
	Verified           bool      `json:"verified,omitempty"`

	roles    []*groupRole
	members  []*membership
	requests []*joinRequest
}

type groupRole struct {
	Path        string          `json:"path"`
	ID          string          `json:"id"`
	CreateTime  time.Time       `json:"createTime"`
	UpdateTime  time.Time       `json:"updateTime"`
	DisplayName string          `json:"displayName"`
	Description string          `json:"description,omitempty"`
	Rank        int             `json:"rank"`
	MemberCount int             `json:"memberCount"`
	Permissions map[string]bool `json:"permissions,omitempty"`
}

type membership struct {
	Path       string    `json:"path"`
	CreateTime time.Time `json:"createTime"`
	UpdateTime time.Time `json:"updateTime"`
	User       string    `json:"user"`
	Role       string    `json:"role"`
	Roles      []string  `json:"roles"`
}

type joinRequest struct {
	Path       string    `json:"path"`
	CreateTime time.Time `json:"createTime"`
	User       string    `json:"user"`
}

// memberID is the id of a membership or join request: the user id in base64.
func memberID(userID string) string { return base64.RawURLEncoding.EncodeToString([]byte(userID)) }

func (w *world) addGroup(id, name, ownerID string, born time.Time) {
	g := &Group{
		Path: "groups/" + id, ID: id, DisplayName: name, Owner: "users/" + ownerID, CreateTime: born, UpdateTime: born,
		Description: "A community of the emulator.", PublicEntryAllowed: id == "7001",
	}
	for i, role := range []struct {
		name string
		rank int
	}{{"Guest", 0}, {"Member", 1}, {"Admin", 254}, {"Owner", 255}} {
		roleID := id + strconv.Itoa(i)
		g.roles = append(g.roles, &groupRole{
			Path: g.Path + "/roles/" + roleID, ID: roleID, CreateTime: born, UpdateTime: born, DisplayName: role.name, Rank: role.rank,
			Permissions: permissions(role.rank),
		})
	}
	w.groups[id] = g
	g.join(ownerID, born)
	g.members[0].Role = g.roles[3].Path
	g.members[0].Roles = []string{g.roles[3].Path}
}

// permissions lists all there are: anybody may look, members may talk, admins
// run the place.
func permissions(rank int) map[string]bool {
	may := map[string]bool{}
	for least, names := range map[int]string{
		0: "viewWallPosts viewGroupShout viewForums",
		1: "createWallPosts createPosts createComments",
		254: "deleteWallPosts createGroupShout changeRank acceptRequests exileMembers manageRelationships viewAuditLog " +
			"spendGroupFunds advertiseGroup createAvatarItems manageAvatarItems manageGroupUniverses viewUniverseAnalytics " +
			"createApiKeys manageApiKeys banMembers manageCategories lockPosts pinPosts removePosts removeComments " +
			"manageBlockedWords viewBlockedWords bypassSlowMode",
	} {
		for name := range strings.FieldsSeq(names) {
			may[name] = rank >= least
		}
	}
	return may
}

func (g *Group) join(userID string, at time.Time) {
	role := g.roles[1].Path
	g.members = append(g.members, &membership{
		Path: g.Path + "/memberships/" + memberID(userID), CreateTime: at, UpdateTime: at, User: "users/" + userID, Role: role, Roles: []string{role},
	})
}

func (g *Group) request(userID string, at time.Time) {
	g.requests = append(g.requests, &joinRequest{Path: g.Path + "/join-requests/" + memberID(userID), CreateTime: at, User: "users/" + userID})
}

func (e *Emulator) groupRoutes() []route {
	read, write := operation{scope: "group:read", on: "groups"}, operation{scope: "group:write", on: "groups"}
	at := "/cloud/v2/groups/{groups}"
	return []route{
		newRoute(EndpointCloud, "POST", at+"/join-requests/{request}:accept", e.cloud(write, e.acceptJoinRequest)),
		newRoute(EndpointCloud, "POST", at+"/join-requests/{request}:decline", e.cloud(write, e.declineJoinRequest)),
		newRoute(EndpointCloud, "POST", at+"/memberships/{membership}:assignRole", e.cloud(write, e.assignRole)),
		newRoute(EndpointCloud, "POST", at+"/memberships/{membership}:unassignRole", e.cloud(write, e.unassignRole)),
		newRoute(EndpointCloud, "GET", at, e.cloud(operation{}, e.getGroup)),
		newRoute(EndpointCloud, "GET", at+"/roles", e.cloud(read, e.listRoles)),
		newRoute(EndpointCloud, "GET", at+"/roles/{role}", e.cloud(read, e.getRole)),
		newRoute(EndpointCloud, "GET", at+"/memberships", e.cloud(operation{}, e.listMemberships)),
		newRoute(EndpointCloud, "PATCH", at+"/memberships/{membership}", e.cloud(write, e.updateMembership)),
		newRoute(EndpointCloud, "GET", at+"/join-requests", e.cloud(read, e.listJoinRequests)),
	}
}

func (e *Emulator) group(v vars) (*Group, *apiError) {
	g := e.world.groups[v["groups"]]
	if g == nil {
		return nil, noSuch("group")
	}
	g.MemberCount = len(g.members)
	for _, role := range g.roles {
		role.MemberCount = 0
		for _, m := range g.members {
			if slices.Contains(m.Roles, role.Path) {
				role.MemberCount++
			}
		}
	}
	return g, nil
}

func (e *Emulator) getGroup(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	g, err := e.group(v)
	if err != nil {
		return nil, err
	}
	return ok(g)
}

func (e *Emulator) listRoles(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	g, err := e.group(v)
	if err != nil {
		return nil, err
	}
	return listPage(r, "groupRoles", g.roles, 20)
}

func (e *Emulator) getRole(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	g, err := e.group(v)
	if err != nil {
		return nil, err
	}
	for _, role := range g.roles {
		if role.ID == v["role"] {
			return ok(role)
		}
	}
	return nil, noSuch("role")
}

// listPage answers a list of the v2 APIs, ten to a page unless more is asked for.
func listPage[T any](r *http.Request, name string, all []T, limit int) (*reply, *apiError) {
	q := r.URL.Query()
	size, err := strconv.Atoi(orDefault(q.Get("maxPageSize"), "0"))
	if err != nil || size < 0 {
		return nil, invalidArgument("maxPageSize must be a positive number.")
	}
	items, next, valid := page(all, size, min(10, limit), limit, q.Get("pageToken"))
	if !valid {
		return nil, invalidArgument("The page token is not one of this list's.")
	}
	return ok(map[string]any{name: items, "nextPageToken": next})
}

// memberFilter is the one filter form that is understood: user or role, equal
// to a path or in a list of paths.
var memberFilter = regexp.MustCompile(`^\s*(user|role)\s*(?:==\s*|in\s*)(\[[^\]]*\]|'[^']*'|"[^"]*")\s*$`)

// filterPaths reads a filter such as user in ['users/1', 'users/2'].
func filterPaths(filter string) (field string, paths []string, ok bool) {
	m := memberFilter.FindStringSubmatch(filter)
	if m == nil {
		return "", nil, false
	}
	for item := range strings.SplitSeq(strings.Trim(m[2], "[]"), ",") {
		if item = strings.Trim(strings.TrimSpace(item), `'"`); item != "" {
			paths = append(paths, item)
		}
	}
	return m[1], paths, true
}

// listMemberships also answers for all groups at once, groups/-, when the
// filter names users.
func (e *Emulator) listMemberships(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	filter := r.URL.Query().Get("filter")
	field, paths, understood := filterPaths(filter)
	if filter != "" && !understood {
		return nil, invalidArgument("The filter is not understood.")
	}
	var members []*membership
	if v["groups"] == "-" {
		if field != "user" {
			return nil, invalidArgument("A list over all groups needs a filter on user.")
		}
		for _, g := range sorted(e.world.groups, func(g *Group) string { return g.ID }) {
			members = append(members, g.members...)
		}
	} else {
		g, err := e.group(v)
		if err != nil {
			return nil, err
		}
		members = slices.Clone(g.members)
	}
	if filter != "" {
		members = slices.DeleteFunc(members, func(m *membership) bool {
			if field == "user" {
				return !slices.Contains(paths, m.User)
			}
			return !slices.ContainsFunc(m.Roles, func(role string) bool { return slices.Contains(paths, role) })
		})
	}
	return listPage(r, "groupMemberships", members, 99)
}

func (e *Emulator) member(v vars) (*Group, *membership, *apiError) {
	g, err := e.group(v)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range g.members {
		if m.Path == g.Path+"/memberships/"+v["membership"] {
			return g, m, nil
		}
	}
	return nil, nil, noSuch("membership")
}

// roleIn reads the body of a membership operation: a role of the group that is
// neither Guest nor Owner.
func roleIn(r *http.Request, g *Group) (*groupRole, *apiError) {
	var body struct {
		Role string `json:"role"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, invalidArgument("The body must be JSON with a role.")
	}
	for _, role := range g.roles[1:3] {
		if role.Path == body.Role {
			return role, nil
		}
	}
	return nil, invalidArgument("The role is not one of the group's that can be given.")
}

func (e *Emulator) changeRole(r *http.Request, v vars, change func(m *membership, role string)) (*reply, *apiError) {
	g, m, err := e.member(v)
	if err != nil {
		return nil, err
	}
	role, err := roleIn(r, g)
	if err != nil {
		return nil, err
	}
	if m.User == g.Owner {
		return nil, denied("The owner's role cannot be changed.")
	}
	change(m, role.Path)
	m.UpdateTime = e.Now().UTC()
	return ok(m)
}

func (e *Emulator) updateMembership(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	return e.changeRole(r, v, func(m *membership, role string) { m.Role, m.Roles = role, []string{role} })
}

func (e *Emulator) assignRole(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	return e.changeRole(r, v, func(m *membership, role string) {
		if !slices.Contains(m.Roles, role) {
			m.Roles = append(m.Roles, role)
		}
		m.Role = role
	})
}

func (e *Emulator) unassignRole(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	return e.changeRole(r, v, func(m *membership, role string) {
		if rest := slices.DeleteFunc(slices.Clone(m.Roles), func(have string) bool { return have == role }); len(rest) > 0 {
			m.Role, m.Roles = rest[0], rest
		}
	})
}

func (e *Emulator) listJoinRequests(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	g, err := e.group(v)
	if err != nil {
		return nil, err
	}
	requests := slices.Clone(g.requests)
	if filter := r.URL.Query().Get("filter"); filter != "" {
		field, paths, understood := filterPaths(filter)
		if !understood || field != "user" {
			return nil, invalidArgument("The filter is not understood.")
		}
		requests = slices.DeleteFunc(requests, func(j *joinRequest) bool { return !slices.Contains(paths, j.User) })
	}
	return listPage(r, "groupJoinRequests", requests, 20)
}

func (e *Emulator) acceptJoinRequest(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	return e.decide(r, v, true)
}

func (e *Emulator) declineJoinRequest(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	return e.decide(r, v, false)
}

// decide ends a join request. The API wants a body, if only {}.
func (e *Emulator) decide(r *http.Request, v vars, accept bool) (*reply, *apiError) {
	g, err := e.group(v)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, invalidArgument("The body must be a JSON object.")
	}
	for i, j := range g.requests {
		if j.Path != g.Path+"/join-requests/"+v["request"] {
			continue
		}
		g.requests = slices.Delete(g.requests, i, i+1)
		if accept {
			g.join(strings.TrimPrefix(j.User, "users/"), e.Now().UTC())
			return ok(j)
		}
		return ok(struct{}{})
	}
	return nil, noSuch("join request")
}
