package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
	"github.com/rblx-go/opencloud/api/thumbnails"
)

// answered returns clients whose every call is answered like that, and the
// bodies that they have sent.
func answered(t *testing.T, status int, body string) (c *api.Client, sent *[]string) {
	t.Helper()
	sent = new([]string)
	core, err := opencloud.New(opencloud.Options{APIKey: "k", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			*sent = append(*sent, string(b))
		}
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return api.New(core), sent
}

// Integers of 64 bits are exact both ways, whatever the document calls them.
func TestOrderedValuesAreExact(t *testing.T) {
	t.Parallel()
	const odd = 1<<53 + 1 // the first that a float64 cannot hold
	c, sent := answered(t, http.StatusOK, `{"value":9007199254740993}`)
	ctx, s := t.Context(), orderedStore()
	for name, call := range map[string]func() (*datastores.OrderedEntry, error){
		"get": func() (*datastores.OrderedEntry, error) { return c.DataStores.GetOrderedEntry(ctx, s, "k") },
		"create": func() (*datastores.OrderedEntry, error) {
			return c.DataStores.CreateOrderedEntry(ctx, s, "k", datastores.OrderedEntryCreate{Value: odd})
		},
		"update": func() (*datastores.OrderedEntry, error) {
			return c.DataStores.UpdateOrderedEntry(ctx, s, "k", datastores.OrderedEntryUpdate{Value: new(int64(odd))}, nil)
		},
	} {
		if e, err := call(); err != nil || e.Value != odd {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	if _, err := c.DataStores.IncrementOrderedEntry(ctx, s, "k", datastores.IncrementOrderedEntryRequest{Amount: odd}); err != nil {
		t.Error(err)
	}
	if _, err := c.DataStores.IncrementEntry(ctx, store(), "k", datastores.IncrementEntryRequest{Amount: odd}); err != nil {
		t.Error(err)
	}
	for _, body := range *sent {
		if !strings.HasSuffix(body, `:9007199254740993}`) {
			t.Errorf("sent %s", body)
		}
	}
	if len(*sent) != 4 {
		t.Errorf("%d bodies", len(*sent))
	}
}

// An answer that is not described may be empty: that is no failure of a write.
func TestUndescribedAnswerMayBeEmpty(t *testing.T) {
	t.Parallel()
	c, sent := answered(t, http.StatusNoContent, "")
	if v, err := c.Thumbnails.CreatePersonalization(t.Context(), "1", thumbnails.CreatePersonalizationRequest{}); err != nil || v != nil {
		t.Errorf("%s, %v", v, err)
	}
	if v, err := c.Thumbnails.UpdatePersonalization(t.Context(), "1", thumbnails.UpdatePersonalizationRequest{}); err != nil || v != nil {
		t.Errorf("%s, %v", v, err)
	}
	if len(*sent) != 2 {
		t.Errorf("%d requests", len(*sent))
	}
}
