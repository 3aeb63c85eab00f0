package emulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// orderedKey names one ordered data store of numbers.
type orderedKey struct{ universe, store, scope string }

func orderedOf(v vars) orderedKey { return orderedKey{v["universes"], v["store"], v["scope"]} }

// orderedRoutes are the v1 operations on ordered data stores.
func (e *Emulator) orderedRoutes() []route {
	op := operation{on: "universes", keyOnly: true, v1: true}
	at := "/ordered-data-stores/v1/universes/{universes}/orderedDataStores/{store}/scopes/{scope}/entries"
	return []route{
		newRoute(EndpointCloud, "POST", at+"/{entry}:increment", e.cloud(op, e.incrementOrdered)),
		newRoute(EndpointCloud, "GET", at, e.cloud(op, e.listOrdered)),
		newRoute(EndpointCloud, "POST", at, e.cloud(op, e.createOrdered)),
		newRoute(EndpointCloud, "GET", at+"/{entry}", e.cloud(op, e.getOrdered)),
		newRoute(EndpointCloud, "PATCH", at+"/{entry}", e.cloud(op, e.updateOrdered)),
		newRoute(EndpointCloud, "DELETE", at+"/{entry}", e.cloud(op, e.deleteOrdered)),
	}
}

type orderedView struct {
	Path  string `json:"path"`
	ID    string `json:"id"`
	Value int64  `json:"value"`
}

func viewOrdered(k orderedKey, id string, value int64) orderedView {
	return orderedView{
		Path: "universes/" + k.universe + "/orderedDataStores/" + url.PathEscape(k.store) + "/scopes/" + url.PathEscape(k.scope) +
			"/entries/" + url.PathEscape(id),
		ID: id, Value: value,
	}
}

// amountIn reads the number in a body under one name.
func amountIn(r *http.Request, name string) (int64, *apiError) {
	var body map[string]json.Number
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return 0, invalidArgument("The body must be JSON with numbers.")
	}
	n, err := strconv.ParseInt(body[name].String(), 10, 64)
	if err != nil {
		return 0, invalidArgument(name + " must be a whole number.")
	}
	return n, nil
}

// setOrdered stores a value; it must not be negative.
func (e *Emulator) setOrdered(k orderedKey, id string, value int64) (*reply, *apiError) {
	if e.world.universes[k.universe] == nil {
		return nil, noSuch("universe")
	}
	if value < 0 {
		return nil, invalidArgument("value must not be negative.")
	}
	if e.world.ordered[k] == nil {
		e.world.ordered[k] = map[string]int64{}
	}
	e.world.ordered[k][id] = value
	return ok(viewOrdered(k, id, value))
}

func (e *Emulator) listOrdered(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k, q := orderedOf(v), r.URL.Query()
	items := []orderedView{}
	for id, value := range e.world.ordered[k] {
		items = append(items, viewOrdered(k, id, value))
	}
	slices.SortFunc(items, func(a, b orderedView) int { return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.ID, b.ID)) })
	if strings.Contains(q.Get("order_by"), "desc") {
		slices.Reverse(items)
	}
	size, err := strconv.Atoi(orDefault(q.Get("max_page_size"), "0"))
	shown, next, valid := page(items, size, 10, 100, q.Get("page_token"))
	if err != nil || !valid {
		return nil, invalidArgument("max_page_size or page_token is not valid.")
	}
	return ok(map[string]any{"entries": shown, "nextPageToken": next})
}

func (e *Emulator) createOrdered(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k, id := orderedOf(v), r.URL.Query().Get("id")
	if _, there := e.world.ordered[k][id]; there {
		return nil, exists("entry")
	}
	if id == "" {
		return nil, invalidArgument("id is missing.")
	}
	value, err := amountIn(r, "value")
	if err != nil {
		return nil, err
	}
	return e.setOrdered(k, id, value)
}

func (e *Emulator) getOrdered(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	value, there := e.world.ordered[k][v["entry"]]
	if !there {
		return nil, noSuch("entry")
	}
	return ok(viewOrdered(k, v["entry"], value))
}

func (e *Emulator) updateOrdered(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	missing, _ := strconv.ParseBool(strings.ToLower(r.URL.Query().Get("allow_missing")))
	if _, there := e.world.ordered[k][v["entry"]]; !there && !missing {
		return nil, noSuch("entry")
	}
	value, err := amountIn(r, "value")
	if err != nil {
		return nil, err
	}
	return e.setOrdered(k, v["entry"], value)
}

func (e *Emulator) deleteOrdered(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	if _, there := e.world.ordered[k][v["entry"]]; !there {
		return nil, noSuch("entry")
	}
	maps.DeleteFunc(e.world.ordered[k], func(id string, _ int64) bool { return id == v["entry"] })
	return ok(struct{}{})
}

func (e *Emulator) incrementOrdered(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	amount, err := amountIn(r, "amount")
	if err != nil {
		return nil, err
	}
	return e.setOrdered(k, v["entry"], e.world.ordered[k][v["entry"]]+amount)
}
