package emulator

import (
	"net/http"
	"net/url"
	"slices"
)

// resourceInfo is what the user let the app act on, per owner.
type resourceInfo struct {
	Owner     resourceOwner         `json:"owner"`
	Resources map[string]resourceID `json:"resources"`
}

type resourceOwner struct {
	ID   string `json:"id"`
	Type string `json:"type"` // "User" or "Group"
}

type resourceID struct {
	IDs []string `json:"ids"`
}

// resources lists what the user chose on the consent page, by owner: the user
// first, then groups. A kind of which nothing was chosen is left out.
func (e *Emulator) resources(w http.ResponseWriter, form url.Values) *oauthError {
	token := form.Get("token")
	if token == "" {
		return refuse("invalid_request", "token is missing")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.working(token)
	if t == nil {
		return refuse("invalid_token", "the access token is unknown, expired or revoked")
	}
	infos := []resourceInfo{}
	add := func(owner resourceOwner, path, creator string) {
		kinds := map[string]resourceID{}
		var ids []string
		for _, u := range e.world.universesOf(path) {
			if slices.Contains(t.grant.universes, u.ID) {
				ids = append(ids, u.ID)
			}
		}
		if len(ids) > 0 {
			kinds["universe"] = resourceID{ids}
		}
		if slices.Contains(t.grant.creators, creator) {
			kinds["creator"] = resourceID{[]string{creator}}
		}
		if len(kinds) > 0 {
			infos = append(infos, resourceInfo{owner, kinds})
		}
	}
	add(resourceOwner{t.grant.sub, "User"}, "users/"+t.grant.sub, "U")
	for _, g := range e.world.groupsOwnedBy(t.grant.sub) {
		add(resourceOwner{g.ID, "Group"}, "groups/"+g.ID, "G"+g.ID)
	}
	writeJSON(w, http.StatusOK, map[string]any{"resource_infos": infos})
	return nil
}
