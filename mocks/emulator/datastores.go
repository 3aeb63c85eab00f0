package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// storeView is a data store as the v2 API lists it.
type storeView struct {
	Path       string     `json:"path"`
	CreateTime time.Time  `json:"createTime"`
	ExpireTime *time.Time `json:"expireTime,omitempty"`
	State      string     `json:"state"`
	ID         string     `json:"id"`
}

// entryView is an entry, or a revision of one, as the v2 API answers it.
type entryView struct {
	Path               string          `json:"path"`
	CreateTime         time.Time       `json:"createTime"`
	RevisionID         string          `json:"revisionId"`
	RevisionCreateTime time.Time       `json:"revisionCreateTime"`
	State              string          `json:"state"`
	Etag               string          `json:"etag"`
	Value              json.RawMessage `json:"value,omitempty"`
	ID                 string          `json:"id"`
	Users              []string        `json:"users"`
	Attributes         json.RawMessage `json:"attributes"`
}

// entryBody is what a caller sends.
type entryBody struct {
	Etag       string          `json:"etag"`
	Value      json.RawMessage `json:"value"`
	Users      []string        `json:"users"`
	Attributes json.RawMessage `json:"attributes"`
	Amount     *float64        `json:"amount"`
}

// dataStoreRoutes are the v2 operations. They take no access token.
func (e *Emulator) dataStoreRoutes() []route {
	scope := func(s string) operation {
		return operation{scope: "universe-datastores." + s, on: "universes", keyOnly: true}
	}
	at := "/cloud/v2/universes/{universes}/data-stores"
	routes := []route{
		newRoute(EndpointCloud, "POST", at+":snapshot", e.cloud(scope("control:snapshot"), e.snapshotStores)),
		newRoute(EndpointCloud, "POST", at+"/{store}:undelete", e.cloud(scope("control:delete"), e.undeleteStore)),
		newRoute(EndpointCloud, "GET", at, e.cloud(scope("control:list"), e.listStores)),
		newRoute(EndpointCloud, "DELETE", at+"/{store}", e.cloud(scope("control:delete"), e.deleteStore)),
	}
	for _, entries := range []string{at + "/{store}/entries", at + "/{store}/scopes/{scope}/entries"} {
		routes = append(routes,
			newRoute(EndpointCloud, "POST", entries+"/{entry}:increment", e.cloud(scope("objects:update"), e.incrementEntry)),
			newRoute(EndpointCloud, "GET", entries+"/{entry}:listRevisions", e.cloud(scope("versions:list"), e.listRevisions)),
			newRoute(EndpointCloud, "GET", entries, e.cloud(scope("objects:list"), e.listEntries)),
			newRoute(EndpointCloud, "POST", entries, e.cloud(scope("objects:create"), e.createEntry)),
			newRoute(EndpointCloud, "GET", entries+"/{entry}", e.cloud(scope("objects:read"), e.getEntry)),
			newRoute(EndpointCloud, "PATCH", entries+"/{entry}", e.cloud(scope("objects:update"), e.updateEntry)),
			newRoute(EndpointCloud, "DELETE", entries+"/{entry}", e.cloud(scope("objects:delete"), e.deleteEntry)),
		)
	}
	return routes
}

func viewStore(universe string, s *dataStore) storeView {
	v := storeView{Path: "universes/" + universe + "/data-stores/" + url.PathEscape(s.name), CreateTime: s.created, State: "ACTIVE", ID: s.name}
	if !s.deleted.IsZero() {
		expires := s.deleted.AddDate(0, 0, 30)
		v.State, v.ExpireTime = "DELETED", &expires
	}
	return v
}

func (e *Emulator) listStores(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	if e.world.universes[v["universes"]] == nil {
		return nil, noSuch("universe")
	}
	prefix, err := idPrefix(r.URL.Query().Get("filter"))
	if err != nil {
		return nil, err
	}
	views := []storeView{}
	for _, s := range e.world.storesOf(v["universes"]) {
		if strings.HasPrefix(s.name, prefix) && (s.deleted.IsZero() || r.URL.Query().Get("showDeleted") == "true") {
			views = append(views, viewStore(v["universes"], s))
		}
	}
	return listPage(r, "dataStores", views, 100)
}

func (e *Emulator) deleteStore(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	s := e.world.stores[v["universes"]][v["store"]]
	if s == nil || !s.deleted.IsZero() {
		return nil, noSuch("data store")
	}
	s.deleted = e.Now().UTC()
	return ok(viewStore(v["universes"], s))
}

func (e *Emulator) undeleteStore(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	s := e.world.stores[v["universes"]][v["store"]]
	if s == nil {
		return nil, noSuch("data store")
	}
	s.deleted = time.Time{}
	return ok(viewStore(v["universes"], s))
}

// snapshotStores takes at most one snapshot per day (UTC).
func (e *Emulator) snapshotStores(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	u := e.world.universes[v["universes"]]
	if u == nil {
		return nil, noSuch("universe")
	}
	now := e.Now().UTC()
	last, taken := e.world.snapshots[u.ID]
	fresh := !taken || last.Format(time.DateOnly) != now.Format(time.DateOnly)
	if fresh {
		last = now
		e.world.snapshots[u.ID] = now
	}
	return ok(map[string]any{"newSnapshotTaken": fresh, "latestSnapshotTime": last})
}

// idStartsWith is the one filter that lists of entries and stores know.
var idStartsWith = regexp.MustCompile(`^\s*id\.startsWith\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\)\s*$`)

func idPrefix(filter string) (string, *apiError) {
	if filter == "" {
		return "", nil
	}
	m := idStartsWith.FindStringSubmatch(filter)
	if m == nil {
		return "", invalidArgument("The filter must have the form id.startsWith(\"prefix\").")
	}
	return regexp.MustCompile(`\\(.)`).ReplaceAllString(m[1][1:len(m[1])-1], "$1"), nil
}

// place is where an entry operation acts. Scope "-" stands for all scopes.
type place struct{ universe, store, scope string }

func placeOf(v vars) place {
	return place{v["universes"], v["store"], orDefault(v["scope"], defaultScope)}
}

// view shows a revision of an entry. In a list over all scopes ids carry theirs.
func (e *Emulator) view(p place, ent *entry, rev *revision) entryView {
	id := ent.key
	at := "universes/" + p.universe + "/data-stores/" + url.PathEscape(p.store)
	switch p.scope {
	case "-":
		id = ent.scope + "/" + ent.key
	case defaultScope:
	default:
		at += "/scopes/" + url.PathEscape(p.scope)
	}
	v := entryView{
		Path: at + "/entries/" + url.PathEscape(id), ID: id, CreateTime: ent.created,
		RevisionID: rev.id, RevisionCreateTime: rev.created, Etag: rev.id, State: "ACTIVE",
		Value: rev.value, Users: rev.users, Attributes: rev.attributes,
	}
	if rev.deleted {
		v.State = "DELETED"
	}
	return v
}

func (e *Emulator) getEntry(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	p := placeOf(v)
	ent, rev := e.world.findEntry(p, v["entry"])
	if ent == nil {
		return nil, noSuch("entry")
	}
	return ok(e.view(p, ent, rev))
}

func (e *Emulator) listEntries(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p := placeOf(v)
	if e.world.universes[p.universe] == nil {
		return nil, noSuch("universe")
	}
	prefix, err := idPrefix(r.URL.Query().Get("filter"))
	if err != nil {
		return nil, err
	}
	type listed struct { // a list shows no values
		Path  string `json:"path"`
		ID    string `json:"id"`
		State string `json:"state,omitempty"`
	}
	items := []listed{}
	for _, ent := range e.world.entriesOf(p) {
		shown := e.view(p, ent, ent.latest())
		if ent.latest().deleted && r.URL.Query().Get("showDeleted") != "true" || !strings.HasPrefix(shown.ID, prefix) {
			continue
		}
		items = append(items, listed{shown.Path, shown.ID, shown.State})
	}
	return listPage(r, "dataStoreEntries", items, 256)
}

// readEntry reads a body; the value may be any JSON.
func readEntry(r *http.Request) (entryBody, *apiError) {
	var body entryBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return body, invalidArgument("The body is not a JSON object.")
	}
	for _, u := range body.Users {
		if !strings.HasPrefix(u, "users/") {
			return body, invalidArgument("users must be paths such as users/156.")
		}
	}
	if len(body.Value) > maxValue {
		return body, invalidArgument("value must have at most 4 MB.")
	}
	if a := strings.TrimSpace(string(body.Attributes)); a != "" && a != "null" && a[0] != '{' {
		return body, invalidArgument("attributes must be a JSON object.")
	}
	return body, nil
}

func (e *Emulator) createEntry(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, id := placeOf(v), r.URL.Query().Get("id")
	if id == "" || len(id) > 50 {
		return nil, invalidArgument("id must have 1 to 50 characters.")
	}
	body, err := readEntry(r)
	if err != nil {
		return nil, err
	}
	if ent, rev := e.world.findEntry(p, id); ent != nil && !rev.deleted {
		return nil, exists("entry")
	}
	return e.put(p, id, body)
}

// put writes a revision and answers with the entry.
func (e *Emulator) put(p place, id string, body entryBody) (*reply, *apiError) {
	switch {
	case e.world.universes[p.universe] == nil:
		return nil, noSuch("universe")
	case p.scope == "-":
		return nil, invalidArgument("An entry is written in one scope.")
	case len(body.Value) == 0:
		return nil, invalidArgument("value is missing.")
	case len(body.Value) > 4<<20:
		return nil, invalidArgument("value is larger than 4 MB.")
	}
	ent := e.world.write(p, id, body, e.Now().UTC())
	return ok(e.view(p, ent, ent.latest()))
}

// updateEntry replaces value, users and attributes. An etag that is not the
// current one aborts it.
func (e *Emulator) updateEntry(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p := placeOf(v)
	body, err := readEntry(r)
	if err != nil {
		return nil, err
	}
	ent, rev := e.world.findEntry(p, v["entry"])
	switch missing := ent == nil || rev.deleted; {
	case missing && r.URL.Query().Get("allowMissing") != "true":
		return nil, noSuch("entry")
	case !missing && body.Etag != "" && body.Etag != rev.id:
		return nil, aborted("The entry has changed: the etag is not the current one.")
	}
	return e.put(p, v["entry"], body)
}

func (e *Emulator) deleteEntry(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	ent, rev := e.world.findEntry(placeOf(v), v["entry"])
	if ent == nil || rev.deleted {
		return nil, noSuch("entry")
	}
	ent.remove(e.Now().UTC())
	return ok(struct{}{})
}

// incrementEntry adds a whole amount; an entry that is missing starts at zero.
func (e *Emulator) incrementEntry(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	body, err := readEntry(r)
	if err != nil {
		return nil, err
	}
	if body.Amount == nil || *body.Amount != float64(int64(*body.Amount)) {
		return nil, invalidArgument("amount must be a whole number.")
	}
	p := placeOf(v)
	sum, err := e.sum(p, v["entry"], int64(*body.Amount))
	if err != nil {
		return nil, err
	}
	body.Value = fmt.Append(nil, sum)
	return e.put(p, v["entry"], body)
}

// sum is the value of an entry plus an amount.
func (e *Emulator) sum(p place, id string, amount int64) (int64, *apiError) {
	ent, rev := e.world.findEntry(p, id)
	if ent == nil || rev.deleted {
		return amount, nil
	}
	var value float64
	if json.Unmarshal(rev.value, &value) != nil || value != float64(int64(value)) {
		return 0, invalidArgument("The value of the entry is not a whole number.")
	}
	return int64(value) + amount, nil
}

// listRevisions lists the newest first; ids are "key@revision".
func (e *Emulator) listRevisions(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p := placeOf(v)
	ent, _ := e.world.findEntry(p, v["entry"])
	if ent == nil {
		return nil, noSuch("entry")
	}
	views := []entryView{}
	for _, rev := range slices.Backward(ent.revisions) {
		shown := e.view(p, ent, rev)
		shown.ID += "@" + rev.id
		shown.Path += "@" + rev.id
		shown.Value = nil
		views = append(views, shown)
	}
	return listPage(r, "dataStoreEntries", views, 100)
}
