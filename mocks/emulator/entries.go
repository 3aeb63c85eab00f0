package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	defaultScope = "global"
	maxValue     = 4 << 20
)

// dataStore holds the entries of one store. Both API versions work on it.
type dataStore struct {
	name    string
	created time.Time
	deleted time.Time // zero while active
	entries map[[2]string]*entry
}

// entry is a key in a scope with its whole history, oldest first.
type entry struct {
	scope, key string
	created    time.Time
	revisions  []*revision
}

type revision struct {
	id         string
	created    time.Time
	deleted    bool
	value      json.RawMessage
	users      []string
	attributes json.RawMessage
}

func (ent *entry) latest() *revision { return ent.revisions[len(ent.revisions)-1] }

// revisionID has the form Roblox's have: a counter in hex, padded, with a time.
func (ent *entry) revisionID(at time.Time) string {
	return fmt.Sprintf("%016X.%010X.%016X.01", at.UnixNano(), len(ent.revisions)+1, ent.created.UnixNano())
}

func (w *world) storesOf(universe string) []*dataStore {
	return slices.SortedFunc(maps.Values(w.stores[universe]), func(a, b *dataStore) int { return cmp.Compare(a.name, b.name) })
}

// entriesOf lists the entries of a store by scope and key.
func (w *world) entriesOf(p place) []*entry {
	s := w.stores[p.universe][p.store]
	if s == nil || !s.deleted.IsZero() {
		return nil
	}
	all := slices.SortedFunc(maps.Values(s.entries), func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.key, b.key))
	})
	return slices.DeleteFunc(all, func(ent *entry) bool { return p.scope != "-" && p.scope != ent.scope })
}

// findEntry finds "key", "key@revision", "key@latest" or "key@latest:TIME". The
// latest revision may be a deleted one, which a plain key does not find.
func (w *world) findEntry(p place, id string) (*entry, *revision) {
	s := w.stores[p.universe][p.store]
	if s == nil || !s.deleted.IsZero() {
		return nil, nil
	}
	find := func(key string) *entry {
		if scope, rest, ok := strings.Cut(key, "/"); ok && p.scope == "-" {
			return s.entries[[2]string{scope, rest}]
		}
		return s.entries[[2]string{p.scope, key}]
	}
	if ent := find(id); ent != nil {
		if ent.latest().deleted {
			return nil, nil
		}
		return ent, ent.latest()
	}
	at := strings.LastIndexByte(id, '@')
	if at < 0 {
		return nil, nil
	}
	ent := find(id[:at])
	if ent == nil {
		return nil, nil
	}
	switch which := id[at+1:]; {
	case which == "latest":
		if !ent.latest().deleted {
			return ent, ent.latest()
		}
	case strings.HasPrefix(which, "latest:"):
		until, err := time.Parse(time.RFC3339Nano, which[len("latest:"):])
		if err != nil {
			return nil, nil
		}
		for _, rev := range slices.Backward(ent.revisions) {
			if !rev.created.After(until) && !rev.deleted {
				return ent, rev
			}
		}
	default:
		for _, rev := range ent.revisions {
			if rev.id == which {
				return ent, rev
			}
		}
	}
	return nil, nil
}

// write adds a revision, and the store and the entry where they are missing.
func (w *world) write(p place, key string, body entryBody, now time.Time) *entry {
	if w.stores[p.universe] == nil {
		w.stores[p.universe] = map[string]*dataStore{}
	}
	s := w.stores[p.universe][p.store]
	if s == nil || !s.deleted.IsZero() {
		s = &dataStore{name: p.store, created: now, entries: map[[2]string]*entry{}}
		w.stores[p.universe][p.store] = s
	}
	ent := s.entries[[2]string{p.scope, key}]
	if ent == nil {
		ent = &entry{scope: p.scope, key: key, created: now}
		s.entries[[2]string{p.scope, key}] = ent
	}
	rev := &revision{id: ent.revisionID(now), created: now, value: body.Value, users: body.Users, attributes: body.Attributes}
	if rev.users == nil {
		rev.users = []string{}
	}
	if len(rev.attributes) == 0 || string(rev.attributes) == "null" {
		rev.attributes = json.RawMessage("{}")
	}
	ent.revisions = append(ent.revisions, rev)
	return ent
}

// remove adds a revision that says the entry is gone.
func (ent *entry) remove(now time.Time) {
	ent.revisions = append(ent.revisions, &revision{
		id: ent.revisionID(now), created: now, deleted: true, users: []string{}, attributes: json.RawMessage("{}"),
	})
}
