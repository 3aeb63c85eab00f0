package emulator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// world is what Open Cloud is about. Owners and references are resource paths
// such as "users/156", as on the wire.
type world struct {
	users     map[string]*User
	groups    map[string]*Group
	universes map[string]*Universe
	stores    map[string]map[string]*dataStore // by universe and name
	snapshots map[string]time.Time             // by universe
	ordered   map[orderedKey]map[string]int64
	messages  []Message

	places          map[string]*Place // by id
	assets          []*Asset
	assetOperations []assetOperation
}

// newWorld is the world every emulator starts with.
func newWorld(now time.Time) world {
	w := world{
		users: map[string]*User{}, groups: map[string]*Group{}, universes: map[string]*Universe{},
		stores: map[string]map[string]*dataStore{}, snapshots: map[string]time.Time{}, ordered: map[orderedKey]map[string]int64{},
		places: map[string]*Place{},
	}
	born := time.Date(2016, time.March, 4, 9, 30, 0, 829412600, time.UTC)
	person := func(id, name, displayName string, hue int) *User {
		u := &User{
			Path: "users/" + id, ID: id, Name: name, DisplayName: displayName, Locale: "en-us", CreateTime: born,
			Picture: "/emulator/avatars/" + id, hue: hue,
		}
		w.users[id] = u
		return u
	}
	person("156", "juniper_builds", "Juniper", 160).About = "Builds harbours and puts lanterns in them."
	w.users["156"].premium, w.users["156"].verified = true, true
	person("257", "marlow", "Marlow", 215).About = "Deep water, mostly."
	person("358", "sable_dev", "Sable", 30).Picture = ""
	for _, u := range w.users {
		u.account = true
	}

	w.addGroup("7001", "Night Market Studio", "156", born)
	w.addGroup("7002", "Tide Runners", "257", born)
	for i := range 130 { // enough members for three pages
		id := strconv.Itoa(5001 + i)
		person(id, "visitor_"+id, "Visitor "+strconv.Itoa(i+1), 10*i%360+1)
		w.groups["7001"].join(id, born.Add(time.Duration(i)*time.Hour))
	}
	w.groups["7001"].join("257", born)
	for _, id := range []string{"5129", "5130", "358"} {
		w.groups["7002"].request(id, now.Add(-time.Hour))
	}

	w.addUniverse("8801", "Lantern Harbor", "users/156", born)
	w.addUniverse("8802", "Paper Rockets", "users/156", born)
	w.addUniverse("8803", "Deep Tide", "users/257", born)
	w.addUniverse("8804", "Night Market", "groups/7001", born)
	w.addUniverse("8805", "Tide Pools", "groups/7002", born)
	return w
}

// accounts are the users that can sign in, by id.
func (w *world) accounts() []*User {
	all := sorted(w.users, func(u *User) string { return u.ID })
	return slices.DeleteFunc(all, func(u *User) bool { return !u.account })
}

// universesOf lists the experiences of an owner, such as "groups/7001".
func (w *world) universesOf(owner string) []Universe {
	var owned []Universe
	for _, u := range sorted(w.universes, func(u *Universe) string { return u.ID }) {
		if u.User == owner || u.Group == owner {
			owned = append(owned, *u)
		}
	}
	return owned
}

// groupsOwnedBy lists the communities a user owns.
func (w *world) groupsOwnedBy(userID string) []*Group {
	all := sorted(w.groups, func(g *Group) string { return g.ID })
	return slices.DeleteFunc(all, func(g *Group) bool { return g.Owner != "users/"+userID })
}

// grantable is all that a user can let an app act on.
func (w *world) grantable(userID string) (universes, creators []string) {
	owners := []string{"users/" + userID}
	creators = []string{"U"}
	for _, g := range w.groupsOwnedBy(userID) {
		owners = append(owners, g.Path)
		creators = append(creators, "G"+g.ID)
	}
	for _, owner := range owners {
		for _, u := range w.universesOf(owner) {
			universes = append(universes, u.ID)
		}
	}
	return universes, creators
}

// sorted lists the values of a map by a numeric id.
func sorted[K comparable, V any](m map[K]V, id func(V) string) []V {
	return slices.SortedFunc(maps.Values(m), func(a, b V) int {
		return cmp.Or(cmp.Compare(len(id(a)), len(id(b))), cmp.Compare(id(a), id(b)))
	})
}

// page cuts one page out of all items in order. The token is the index of the
// next one, opaque enough for a caller that does not look.
func page[T any](all []T, size, def, limit int, token string) (items []T, next string, ok bool) {
	start := 0
	if token != "" {
		if _, err := fmt.Sscanf(token, "p%x", &start); err != nil || start < 0 || start > len(all) {
			return nil, "", false
		}
	}
	switch {
	case size <= 0:
		size = def
	case size > limit:
		size = limit
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = fmt.Sprintf("p%x", end)
	}
	return all[start:end], next, true
}
