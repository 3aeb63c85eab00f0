package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
	"github.com/rblx-go/opencloud/api/groups"
	"github.com/rblx-go/opencloud/api/users"
)

// count walks an iterator.
func count[T any](seq iter.Seq2[T, error]) (n int, err error) {
	for _, err := range seq {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestIteratorsReadAllPages(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		list string // the field of the answer
		walk func(context.Context, *api.Client) (int, error)
	}{
		{"inventoryItems", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Users.InventoryItems(ctx, "1", nil))
		}},
		{"assetQuotas", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Assets.AssetQuotas(ctx, "1", nil))
		}},
		{"groupRoles", func(ctx context.Context, c *api.Client) (int, error) { return count(c.Groups.Roles(ctx, "1", nil)) }},
		{"groupMemberships", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Groups.Memberships(ctx, "1", nil))
		}},
		{"groupJoinRequests", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Groups.JoinRequests(ctx, "1", nil))
		}},
		{"groupForumCategories", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Groups.ForumCategories(ctx, "1", nil))
		}},
		{"groupForumPosts", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Groups.ForumPosts(ctx, "1", "2", nil))
		}},
		{"groupForumComments", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.Groups.ForumComments(ctx, "1", "2", "3", nil))
		}},
		{"dataStores", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.DataStores.Stores(ctx, "1", nil))
		}},
		{"dataStoreEntries", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.DataStores.Entries(ctx, store(), nil))
		}},
		{"dataStoreEntries", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.DataStores.Revisions(ctx, inScope(), "k", nil))
		}},
		{"orderedDataStoreEntries", func(ctx context.Context, c *api.Client) (int, error) {
			return count(c.DataStores.OrderedEntries(ctx, orderedStore(), nil))
		}},
	} {
		t.Run(row.list, func(t *testing.T) {
			t.Parallel()
			var tokens []string
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				token := r.URL.Query().Get("pageToken")
				tokens = append(tokens, token)
				// The second page is empty and is not the last.
				page := map[string]string{"": `[{},{}],"nextPageToken":"two"`, "two": `[],"nextPageToken":"three"`, "three": `[{}],"nextPageToken":""`}[token]
				_, _ = fmt.Fprintf(w, `{%q:%s}`, row.list, page)
			})
			n, err := row.walk(t.Context(), c)
			if err != nil || n != 3 || strings.Join(tokens, ",") != ",two,three" {
				t.Errorf("%d elements, tokens %q, error %v", n, tokens, err)
			}
		})
	}
}

func TestIteratorLeavesParamsAlone(t *testing.T) {
	t.Parallel()
	var queries []string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		if len(queries) == 1 {
			_, _ = io.WriteString(w, `{"groupMemberships":[{}],"nextPageToken":"b"}`)
			return
		}
		_, _ = io.WriteString(w, `{"groupMemberships":[{}]}`)
	})
	params := groups.ListMembershipsParams{MaxPageSize: 1, PageToken: "a", Filter: "f"}
	before := params
	if n, err := count(c.Groups.Memberships(t.Context(), "1", &params)); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if params != before {
		t.Errorf("params became %+v", params)
	}
	want := "maxPageSize=1&pageToken=a&filter=f maxPageSize=1&pageToken=b&filter=f"
	if got := strings.Join(queries, " "); got != want {
		t.Errorf("queries %s, want %s", got, want)
	}
}

func TestIteratorStops(t *testing.T) {
	t.Parallel()
	t.Run("when the caller breaks", func(t *testing.T) {
		t.Parallel()
		hits := 0
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			hits++
			_, _ = io.WriteString(w, `{"dataStoreEntries":[{},{}],"nextPageToken":"more"}`)
		})
		for _, err := range c.DataStores.Entries(t.Context(), store(), nil) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if hits != 1 {
			t.Errorf("%d requests", hits)
		}
	})
	t.Run("when a token repeats", func(t *testing.T) {
		t.Parallel()
		hits := 0
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			hits++
			_, _ = io.WriteString(w, `{"dataStoreEntries":[{}],"nextPageToken":"same"}`)
		})
		n, err := count(c.DataStores.Entries(t.Context(), store(), nil))
		if err == nil || n != 2 || hits != 2 {
			t.Errorf("%d elements of %d requests, %v", n, hits, err)
		}
	})
	t.Run("at an error", func(t *testing.T) {
		t.Parallel()
		hits := 0
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if hits++; hits == 2 {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = io.WriteString(w, `{"dataStoreEntries":[{}],"nextPageToken":"n"}`)
		})
		n, err := count(c.DataStores.Entries(t.Context(), store(), nil))
		if !errors.Is(err, opencloud.ErrPermissionDenied) || n != 1 || hits != 2 {
			t.Errorf("%d elements of %d requests, %v", n, hits, err)
		}
	})
}

// fake stands in for a client.
type fake struct {
	users.UnimplementedAPI
	pages []users.ListInventoryItemsResponse
}

func (f *fake) ListInventoryItems(context.Context, string, *users.ListInventoryItemsParams) (*users.ListInventoryItemsResponse, error) {
	page := f.pages[0]
	f.pages = f.pages[1:]
	return &page, nil
}

func TestIteratorOverAStandIn(t *testing.T) {
	t.Parallel()
	f := &fake{pages: []users.ListInventoryItemsResponse{
		{InventoryItems: make([]users.InventoryItem, 2), NextPageToken: "n"}, {InventoryItems: make([]users.InventoryItem, 1)},
	}}
	if n, err := count(users.InventoryItems(t.Context(), f, "1", nil)); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := f.GetUser(t.Context(), "1"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "users.GetUser") {
		t.Errorf("a method nobody wrote fails with %v", err)
	}
	var _ datastores.API = datastores.UnimplementedAPI{}
}
