package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
)

// What an id contains must never change which resource is addressed.
func TestPathParametersArriveIntact(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"plain", "a/b", "/", "a?b", "a#b", "a%b", "%2e%2e", "%2F", "a+b", "a b", "ä/ö", "日本語", "a:b", "k:increment", "...", "..a", "a..", "key@latest",
		"a&b=c", "a;b", "\\", "\x00", "\r\nX: y", "😀", "~-._", strings.Repeat("x", 2000),
	} {
		t.Run(id[:min(len(id), 20)], func(t *testing.T) {
			t.Parallel()
			var got []string
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				// Routed by hand: http.ServeMux does not match a segment of %2F alone.
				for segment := range strings.SplitSeq(r.URL.EscapedPath(), "/") {
					value, err := url.PathUnescape(segment)
					if err != nil {
						t.Error(err)
					}
					got = append(got, value)
				}
				_, _ = w.Write([]byte(`{}`))
			})
			if _, err := c.DataStores.GetEntry(t.Context(), datastores.Store{Universe: "1", ID: id, Scope: id}, id); err != nil {
				t.Fatal(err)
			}
			want := []string{"", "cloud", "v2", "universes", "1", "data-stores", id, "scopes", id, "entries", id}
			if !slices.Equal(got, want) {
				t.Errorf("%q arrived as %q", id, got)
			}
		})
	}
}

func TestPathParametersThatCannotArriveAreRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", ".."} {
		for _, row := range []struct {
			parameter string
			call      func(c *api.Client) error
		}{
			{"user_id", func(c *api.Client) error { _, err := c.Users.GetUser(t.Context(), id); return err }},
			{"entry_id", func(c *api.Client) error { return c.DataStores.DeleteEntry(t.Context(), store(), id) }},
			{"data_store_id", func(c *api.Client) error {
				return c.DataStores.DeleteEntry(t.Context(), datastores.Store{Universe: "1", ID: id}, "k")
			}},
			{"join_request_id", func(c *api.Client) error { return c.Groups.AcceptJoinRequest(t.Context(), "1", id) }},
			{"universe_id", func(c *api.Client) error { return c.Messaging.Publish(t.Context(), id, "t", "m") }},
		} {
			t.Run(row.parameter+"="+id, func(t *testing.T) {
				t.Parallel()
				hits := 0
				err := row.call(client(t, func(http.ResponseWriter, *http.Request) { hits++ }))
				if !errors.Is(err, opencloud.ErrInvalidArgument) || !strings.Contains(err.Error(), row.parameter) {
					t.Errorf("%v does not name %s", err, row.parameter)
				}
				if hits != 0 {
					t.Errorf("%d requests were sent", hits)
				}
			})
		}
	}
}

// An empty scope chooses the path without one; "." and ".." are no scope.
func TestScopeOfDots(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for _, scope := range []string{".", ".."} {
		core, err := opencloud.New(opencloud.Options{APIKey: "k", BaseURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		_, err = datastores.New(core).GetEntry(t.Context(), datastores.Store{Universe: "1", ID: "S", Scope: scope}, "k")
		if !errors.Is(err, opencloud.ErrInvalidArgument) || !strings.Contains(err.Error(), "scope_id") {
			t.Errorf("scope %q: %v", scope, err)
		}
	}
}
