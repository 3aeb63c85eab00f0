package demo

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
)

// place is where a data store entry is.
type place struct{ Universe, Store, Key string }

func (at place) store() datastores.Store {
	return datastores.Store{Universe: at.Universe, ID: at.Store}
}

// writeEntry stores a value, whether or not there was one.
func writeEntry(ctx context.Context, c *api.Client, at place, value json.RawMessage) error {
	_, err := c.DataStores.UpdateEntry(ctx, at.store(), at.Key,
		datastores.EntryUpdate{Value: value}, &datastores.UpdateEntryParams{AllowMissing: true})
	return err
}

func readEntry(ctx context.Context, c *api.Client, at place) (value json.RawMessage, revision string, err error) {
	e, err := c.DataStores.GetEntry(ctx, at.store(), at.Key)
	if err != nil {
		return nil, "", err
	}
	return e.Value, e.RevisionID, nil
}

func deleteEntry(ctx context.Context, c *api.Client, at place) error {
	return c.DataStores.DeleteEntry(ctx, at.store(), at.Key)
}

// jsonOf takes what is no JSON for text.
func jsonOf(value string) json.RawMessage {
	if json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // every string marshals
	}
	return text
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
