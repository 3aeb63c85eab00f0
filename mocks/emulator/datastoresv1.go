package emulator

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dataStoreV1Routes are the operations of the older API, which clients in the
// field still write with: the key travels in the query, metadata in headers.
func (e *Emulator) dataStoreV1Routes() []route {
	op := operation{on: "universes", keyOnly: true, v1: true}
	at := "/datastores/v1/universes/{universes}/standard-datastores"
	return []route{
		newRoute(EndpointCloud, "GET", at, e.cloud(op, e.listStoresV1)),
		newRoute(EndpointCloud, "GET", at+"/datastore/entries", e.cloud(op, e.listEntriesV1)),
		newRoute(EndpointCloud, "GET", at+"/datastore/entries/entry", e.cloud(op, e.getEntryV1)),
		newRoute(EndpointCloud, "POST", at+"/datastore/entries/entry", e.cloud(op, e.setEntryV1)),
		newRoute(EndpointCloud, "DELETE", at+"/datastore/entries/entry", e.cloud(op, e.deleteEntryV1)),
		newRoute(EndpointCloud, "POST", at+"/datastore/entries/entry/increment", e.cloud(op, e.incrementEntryV1)),
		newRoute(EndpointCloud, "GET", at+"/datastore/entries/entry/versions", e.cloud(op, e.listVersionsV1)),
		newRoute(EndpointCloud, "GET", at+"/datastore/entries/entry/versions/version", e.cloud(op, e.getVersionV1)),
	}
}

// placeV1 reads the address of an entry from the query.
func placeV1(r *http.Request, v vars) (place, string) {
	q := r.URL.Query()
	return place{v["universes"], q.Get("datastoreName"), orDefault(q.Get("scope"), defaultScope)}, q.Get("entryKey")
}

// listV1 answers a list of the v1 API.
func listV1[T any](r *http.Request, name string, all []T) (*reply, *apiError) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(orDefault(q.Get("limit"), "0"))
	items, next, valid := page(all, limit, 50, 100, q.Get("cursor"))
	if err != nil || !valid {
		return nil, invalidArgument("The limit or the cursor is not valid.")
	}
	return ok(map[string]any{name: items, "nextPageCursor": next})
}

func (e *Emulator) listStoresV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	type listed struct {
		Name        string    `json:"name"`
		CreatedTime time.Time `json:"createdTime"`
	}
	items := []listed{}
	for _, s := range e.world.storesOf(v["universes"]) {
		if s.deleted.IsZero() && strings.HasPrefix(s.name, r.URL.Query().Get("prefix")) {
			items = append(items, listed{s.name, s.created})
		}
	}
	return listV1(r, "datastores", items)
}

func (e *Emulator) listEntriesV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, _ := placeV1(r, v)
	if all, _ := strconv.ParseBool(strings.ToLower(r.URL.Query().Get("allScopes"))); all {
		p.scope = "-"
	}
	type listed struct {
		Key   string `json:"key"`
		Scope string `json:"scope,omitempty"`
	}
	items := []listed{}
	for _, ent := range e.world.entriesOf(p) {
		if !ent.latest().deleted && strings.HasPrefix(ent.key, r.URL.Query().Get("prefix")) {
			items = append(items, listed{ent.key, ent.scope})
		}
	}
	return listV1(r, "keys", items)
}

// answerV1 is the bare value, with what is known of it in headers.
func answerV1(ent *entry, rev *revision) *reply {
	h := http.Header{}
	h.Set("Roblox-Entry-Version", rev.id)
	h.Set("Roblox-Entry-Created-Time", ent.created.Format(time.RFC3339Nano))
	h.Set("Roblox-Entry-Version-Created-Time", rev.created.Format(time.RFC3339Nano))
	h.Set("Roblox-Entry-Attributes", string(rev.attributes))
	h.Set("Roblox-Entry-Userids", userIDs(rev.users))
	h.Set("Content-Md5", checksum(rev.value))
	return &reply{status: http.StatusOK, body: rev.value, header: h}
}

// checksum is the content-md5 of a value.
func checksum(value []byte) string {
	sum := md5.Sum(value)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// userIDs writes paths as the list of numbers that v1 has.
func userIDs(paths []string) string {
	ids := make([]string, 0, len(paths))
	for _, p := range paths {
		ids = append(ids, strings.TrimPrefix(p, "users/"))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

func (e *Emulator) getEntryV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, key := placeV1(r, v)
	ent, rev := e.world.findEntry(p, key)
	if ent == nil {
		return nil, noSuch("entry")
	}
	return answerV1(ent, rev), nil
}

// headersV1 reads users and attributes from a request's headers.
func headersV1(r *http.Request) (entryBody, *apiError) {
	var body entryBody
	if a := r.Header.Get("Roblox-Entry-Attributes"); a != "" {
		if !json.Valid([]byte(a)) || a[0] != '{' {
			return body, invalidArgument("roblox-entry-attributes must be a JSON object.")
		}
		body.Attributes = json.RawMessage(a)
	}
	if u := r.Header.Get("Roblox-Entry-Userids"); u != "" {
		var ids []json.Number
		if err := json.Unmarshal([]byte(u), &ids); err != nil {
			return body, invalidArgument("roblox-entry-userids must be a JSON list of numbers.")
		}
		for _, id := range ids {
			body.Users = append(body.Users, "users/"+id.String())
		}
	}
	return body, nil
}

// setEntryV1 writes the body as the value. matchVersion and exclusiveCreate make
// it fail with 412 and the value there is.
func (e *Emulator) setEntryV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, key := placeV1(r, v)
	body, err := headersV1(r)
	if err != nil {
		return nil, err
	}
	value, readErr := io.ReadAll(r.Body)
	sum := r.Header.Get("Content-Md5")
	switch {
	case readErr != nil || !json.Valid(value):
		return nil, invalidArgument("The body is not JSON.")
	case len(value) > maxValue:
		return nil, invalidArgument("The value must have at most 4 MB.")
	case sum != "" && sum != checksum(value):
		return nil, invalidArgument("content-md5 does not match the body.")
	case p.store == "" || key == "":
		return nil, invalidArgument("datastoreName and entryKey are required.")
	}
	q := r.URL.Query()
	exclusive, _ := strconv.ParseBool(strings.ToLower(q.Get("exclusiveCreate")))
	match := q.Get("matchVersion")
	if ent, rev := e.world.findEntry(p, key); ent != nil && (exclusive || match != "" && match != rev.id) {
		conflict := answerV1(ent, rev)
		conflict.status = http.StatusPreconditionFailed
		return conflict, nil
	}
	body.Value = value
	if _, err := e.put(p, key, body); err != nil {
		return nil, err
	}
	ent, rev := e.world.findEntry(p, key)
	return ok(versionV1(ent, rev))
}

func versionV1(ent *entry, rev *revision) map[string]any {
	return map[string]any{
		"version": rev.id, "deleted": rev.deleted, "contentLength": len(rev.value),
		"createdTime": rev.created, "objectCreatedTime": ent.created,
	}
}

func (e *Emulator) deleteEntryV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, key := placeV1(r, v)
	ent, _ := e.world.findEntry(p, key)
	if ent == nil {
		return nil, noSuch("entry")
	}
	ent.remove(e.Now().UTC())
	return &reply{status: http.StatusNoContent}, nil
}

// incrementEntryV1 has no body: the amount is in the query. It answers with the
// bare number.
func (e *Emulator) incrementEntryV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, key := placeV1(r, v)
	amount, parseErr := strconv.ParseInt(orDefault(r.URL.Query().Get("incrementBy"), "1"), 10, 64)
	if parseErr != nil {
		return nil, invalidArgument("incrementBy must be a whole number.")
	}
	body, err := headersV1(r)
	if err != nil {
		return nil, err
	}
	sum, err := e.sum(p, key, amount)
	if err != nil {
		return nil, err
	}
	body.Value = fmt.Append(nil, sum)
	if _, err := e.put(p, key, body); err != nil {
		return nil, err
	}
	return answerV1(e.world.findEntry(p, key)), nil
}

func (e *Emulator) listVersionsV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, key := placeV1(r, v)
	s := e.world.stores[p.universe][p.store]
	if s == nil || s.entries[[2]string{p.scope, key}] == nil {
		return nil, noSuch("entry")
	}
	ent := s.entries[[2]string{p.scope, key}]
	items := []map[string]any{}
	for _, rev := range ent.revisions {
		items = append(items, versionV1(ent, rev))
	}
	if strings.HasPrefix(strings.ToLower(r.URL.Query().Get("sortOrder")), "desc") {
		slices.Reverse(items)
	}
	return listV1(r, "versions", items)
}

func (e *Emulator) getVersionV1(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, key := placeV1(r, v)
	ent, rev := e.world.findEntry(p, key+"@"+r.URL.Query().Get("versionId"))
	if ent == nil || rev.deleted {
		return nil, noSuch("version")
	}
	return answerV1(ent, rev), nil
}
