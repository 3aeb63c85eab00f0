package emulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// orderedKey names one ordered data store of numbers.
type orderedKey struct{ universe, store, scope string }

func orderedOf(v vars) orderedKey { return orderedKey{v["universes"], v["store"], v["scope"]} }

// orderedWire is what the two versions of the API call the same things.
type orderedWire struct {
	at, kind                    string // the path of the routes; the collection in that of an entry
	entries                     string // in a page
	size, token, order, missing string // query parameters
	v1                          bool
}

// orderedRoutes are the operations on ordered data stores, of both versions.
func (e *Emulator) orderedRoutes() []route {
	var all []route
	for _, wire := range []orderedWire{
		{
			at:   "/cloud/v2/universes/{universes}/ordered-data-stores/{store}/scopes/{scope}/entries",
			kind: "ordered-data-stores", entries: "orderedDataStoreEntries",
			size: "maxPageSize", token: "pageToken", order: "orderBy", missing: "allowMissing",
		},
		{
			at:   "/ordered-data-stores/v1/universes/{universes}/orderedDataStores/{store}/scopes/{scope}/entries",
			kind: "orderedDataStores", entries: "entries",
			size: "max_page_size", token: "page_token", order: "order_by", missing: "allow_missing", v1: true,
		},
	} {
		op := operation{on: "universes", keyOnly: true, v1: wire.v1}
		o := &orderedAPI{e, wire}
		all = append(all,
			newRoute(EndpointCloud, "POST", wire.at+"/{entry}:increment", e.cloud(op, o.increment)),
			newRoute(EndpointCloud, "GET", wire.at, e.cloud(op, o.list)),
			newRoute(EndpointCloud, "POST", wire.at, e.cloud(op, o.create)),
			newRoute(EndpointCloud, "GET", wire.at+"/{entry}", e.cloud(op, o.get)),
			newRoute(EndpointCloud, "PATCH", wire.at+"/{entry}", e.cloud(op, o.update)),
			newRoute(EndpointCloud, "DELETE", wire.at+"/{entry}", e.cloud(op, o.delete)),
		)
	}
	return all
}

// orderedAPI answers in one version for the ordered data stores of an Emulator.
type orderedAPI struct {
	*Emulator

	wire orderedWire
}

type orderedView struct {
	Path  string `json:"path"`
	ID    string `json:"id"`
	Value int64  `json:"value"`
}

func (o *orderedAPI) view(k orderedKey, id string, value int64) orderedView {
	return orderedView{
		Path: "universes/" + k.universe + "/" + o.wire.kind + "/" + url.PathEscape(k.store) + "/scopes/" + url.PathEscape(k.scope) +
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

// set stores a value; it must not be negative.
func (o *orderedAPI) set(k orderedKey, id string, value int64) (*reply, *apiError) {
	if o.world.universes[k.universe] == nil {
		return nil, noSuch("universe")
	}
	if value < 0 {
		return nil, invalidArgument("value must not be negative.")
	}
	if o.world.ordered[k] == nil {
		o.world.ordered[k] = map[string]int64{}
	}
	o.world.ordered[k][id] = value
	return ok(o.view(k, id, value))
}

func (o *orderedAPI) list(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k, q := orderedOf(v), r.URL.Query()
	least, most, refusal := valueRange(q.Get("filter"))
	if refusal != nil {
		return nil, refusal
	}
	items := []orderedView{}
	for id, value := range o.world.ordered[k] {
		if value >= least && value <= most {
			items = append(items, o.view(k, id, value))
		}
	}
	slices.SortFunc(items, func(a, b orderedView) int { return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.ID, b.ID)) })
	if strings.Contains(q.Get(o.wire.order), "desc") {
		slices.Reverse(items)
	}
	size, err := strconv.Atoi(orDefault(q.Get(o.wire.size), "0"))
	shown, next, valid := page(items, size, 10, 100, q.Get(o.wire.token))
	if err != nil || !valid {
		return nil, invalidArgument(o.wire.size + " or " + o.wire.token + " is not valid.")
	}
	return ok(map[string]any{o.wire.entries: shown, "nextPageToken": next})
}

var valueBound = regexp.MustCompile(`^entry (<=|>=) (\d+)$`)

// valueRange reads a filter such as "entry >= 10 && entry <= 30".
func valueRange(filter string) (least, most int64, _ *apiError) {
	least, most = 0, math.MaxInt64
	if filter == "" {
		return least, most, nil
	}
	for condition := range strings.SplitSeq(filter, " && ") {
		m := valueBound.FindStringSubmatch(condition)
		if m == nil {
			return 0, 0, invalidArgument(`The filter must be such as "entry >= 10 && entry <= 30".`)
		}
		bound, err := strconv.ParseInt(m[2], 10, 64)
		switch {
		case err != nil:
			return 0, 0, invalidArgument("A bound of the filter is too large.")
		case m[1] == ">=":
			least = max(least, bound)
		default:
			most = min(most, bound)
		}
	}
	return least, most, nil
}

func (o *orderedAPI) create(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k, id := orderedOf(v), r.URL.Query().Get("id")
	if _, there := o.world.ordered[k][id]; there {
		if !o.wire.v1 {
			return nil, invalidArgument("The entry exists already.") // as documented
		}
		return nil, exists("entry")
	}
	if id == "" {
		return nil, invalidArgument("id is missing.")
	}
	value, err := amountIn(r, "value")
	if err != nil {
		return nil, err
	}
	return o.set(k, id, value)
}

func (o *orderedAPI) get(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	value, there := o.world.ordered[k][v["entry"]]
	if !there {
		return nil, noSuch("entry")
	}
	return ok(o.view(k, v["entry"], value))
}

func (o *orderedAPI) update(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	missing, _ := strconv.ParseBool(strings.ToLower(r.URL.Query().Get(o.wire.missing)))
	if _, there := o.world.ordered[k][v["entry"]]; !there && !missing {
		return nil, noSuch("entry")
	}
	value, err := amountIn(r, "value")
	if err != nil {
		return nil, err
	}
	return o.set(k, v["entry"], value)
}

func (o *orderedAPI) delete(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	if _, there := o.world.ordered[k][v["entry"]]; !there {
		return nil, noSuch("entry")
	}
	maps.DeleteFunc(o.world.ordered[k], func(id string, _ int64) bool { return id == v["entry"] })
	return ok(struct{}{})
}

func (o *orderedAPI) increment(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	k := orderedOf(v)
	amount, err := amountIn(r, "amount")
	if err != nil {
		return nil, err
	}
	return o.set(k, v["entry"], o.world.ordered[k][v["entry"]]+amount)
}
