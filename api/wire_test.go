package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/assets"
	"github.com/rblx-go/opencloud/api/datastores"
	"github.com/rblx-go/opencloud/api/groups"
	"github.com/rblx-go/opencloud/api/messaging"
	"github.com/rblx-go/opencloud/api/servers"
	"github.com/rblx-go/opencloud/api/universes"
	"github.com/rblx-go/opencloud/api/users"
	"github.com/rblx-go/opencloud/openapi"
)

// wire is one call: what must go out and what comes of the answer.
type wire struct {
	operation string // as in the description, users.GetUser
	call      func(context.Context, *api.Client) (any, error)
	request   string // "VERB escaped-path?query"
	body      string // JSON; "" for none
	answer    string
	want      any
}

// void adapts a method without a result.
func void(err error) (any, error) { return nil, err }

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

const (
	entries = "/cloud/v2/universes/1/data-stores/S/entries"
	scoped  = "/cloud/v2/universes/1/data-stores/S/scopes/eu/entries"
	ordered = "/cloud/v2/universes/1/ordered-data-stores/S/scopes/global/entries"
)

func store() datastores.Store   { return datastores.Store{Universe: "1", ID: "S"} }
func inScope() datastores.Store { return datastores.Store{Universe: "1", ID: "S", Scope: "eu"} }
func orderedStore() datastores.OrderedStore {
	return datastores.OrderedStore{Universe: "1", ID: "S", Scope: "global"}
}

func userCalls() []wire {
	return []wire{
		{"users.GetUser", func(ctx context.Context, c *api.Client) (any, error) { return c.Users.GetUser(ctx, "156") },
			"GET /cloud/v2/users/156", "",
			`{"path":"users/156","id":"156","name":"ann","displayName":"Ann","createTime":"2006-02-27T21:06:40.3Z","premium":true,"socialNetworkProfiles":{"visibility":"NEW_ONE"},"unheardOf":{}}`,
			&users.User{Path: "users/156", ID: "156", Name: "ann", DisplayName: "Ann", CreateTime: utc("2006-02-27T21:06:40.3Z"), Premium: true,
				SocialNetworkProfiles: users.SocialNetworkProfiles{Visibility: "NEW_ONE"}}},
		{"users.ListInventoryItems", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Users.ListInventoryItems(ctx, "156", &users.ListInventoryItemsParams{MaxPageSize: 2, Filter: "badges=true;assetIds=1,2"})
		}, "GET /cloud/v2/users/156/inventory-items?maxPageSize=2&filter=badges%3Dtrue%3BassetIds%3D1%2C2", "",
			`{"inventoryItems":[{"assetDetails":{"assetId":"7","inventoryItemAssetType":"HAT","collectibleDetails":{"serialNumber":"12"}}}],"nextPageToken":null}`,
			&users.ListInventoryItemsResponse{InventoryItems: []users.InventoryItem{{AssetDetails: users.AssetDetails{
				AssetID: "7", InventoryItemAssetType: users.InventoryAssetTypeHat, CollectibleDetails: users.CollectibleDetails{SerialNumber: 12}}}}}},
		{"users.CreateNotification", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Users.CreateNotification(ctx, "156", users.NotificationCreate{
				Source: users.NotificationSourceCreate{Universe: "universes/1"},
				Payload: users.NotificationPayloadCreate{Type: users.NotificationPayloadTypeMoment, MessageID: "m",
					Parameters: map[string]users.ParameterValue{"zero": {Int64Value: new(int64)}, "name": {StringValue: "x"}}},
			})
		}, "POST /cloud/v2/users/156/notifications",
			`{"source":{"universe":"universes/1"},"payload":{"type":"MOMENT","messageId":"m","parameters":{"name":{"stringValue":"x"},"zero":{"int64Value":0}}}}`,
			`{"path":"users/156/notifications/9","id":"9","source":{"universe":"universes/1"}}`,
			&users.Notification{Path: "users/156/notifications/9", ID: "9"}},
	}
}

func universeCalls() []wire {
	return []wire{
		{"universes.GetUniverse", func(ctx context.Context, c *api.Client) (any, error) { return c.Universes.GetUniverse(ctx, "1") },
			"GET /cloud/v2/universes/1", "", `{"path":"universes/1","visibility":"PUBLIC","ageRating":"AGE_RATING_9_PLUS","voiceChatEnabled":true,"createTime":"2024-01-02T03:04:05.123456789Z"}`,
			&universes.Universe{Path: "universes/1", Visibility: universes.VisibilityPublic, AgeRating: universes.AgeRating9Plus, VoiceChatEnabled: true, CreateTime: utc("2024-01-02T03:04:05.123456789Z")}},
		{"universes.UpdateUniverse", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Universes.UpdateUniverse(ctx, "1", universes.UniverseUpdate{
				VoiceChatEnabled: new(bool), PrivateServerPriceRobux: new(int), TwitterSocialLink: &universes.SocialLink{},
			})
		}, "PATCH /cloud/v2/universes/1?updateMask=twitterSocialLink%2CvoiceChatEnabled%2CprivateServerPriceRobux",
			`{"twitterSocialLink":{},"voiceChatEnabled":false,"privateServerPriceRobux":0}`, `{"path":"universes/1"}`, &universes.Universe{Path: "universes/1"}},
		{"universes.UpdateUniverse", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Universes.UpdateUniverse(ctx, "1", universes.UniverseUpdate{})
		}, "PATCH /cloud/v2/universes/1", `{}`, `{}`, &universes.Universe{}},
	}
}

func assetCalls() []wire {
	return []wire{
		{"assets.ListAssetQuotas", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Assets.ListAssetQuotas(ctx, "156", nil)
		},
			"GET /cloud/v2/users/156/asset-quotas", "", `{"assetQuotas":[{"usage":3,"capacity":"100","period":"MONTH"}],"nextPageToken":"n"}`,
			&assets.ListAssetQuotasResponse{Quotas: []assets.AssetQuota{{Usage: 3, Capacity: 100, Period: assets.QuotaPeriodMonth}}, NextPageToken: "n"}},
	}
}

func serverCalls() []wire {
	return []wire{
		{"servers.RestartServers", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.Servers.RestartServers(ctx, "1", servers.RestartServersRequest{PlaceIDs: []int64{3}, BleedOffServers: new(bool)}))
		}, "POST /cloud/v2/universes/1:restartServers", `{"placeIds":[3],"bleedOffServers":false}`, `{}`, nil},
		{"servers.RestartServers", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.Servers.RestartServers(ctx, "1", servers.RestartServersRequest{}))
		}, "POST /cloud/v2/universes/1:restartServers", `{}`, ``, nil},
	}
}

func groupCalls() []wire {
	const group = "/cloud/v2/groups/7"
	return []wire{
		{"groups.GetGroup", func(ctx context.Context, c *api.Client) (any, error) { return c.Groups.GetGroup(ctx, "7") },
			"GET " + group, "", `{"id":"7","displayName":"G","memberCount":3}`, &groups.Group{ID: "7", DisplayName: "G", MemberCount: 3}},
		{"groups.GetRole", func(ctx context.Context, c *api.Client) (any, error) { return c.Groups.GetRole(ctx, "7", "8") },
			"GET " + group + "/roles/8", "", `{"id":"8","rank":255,"permissions":{"banMembers":true}}`,
			&groups.Role{ID: "8", Rank: 255, Permissions: groups.RolePermissions{BanMembers: true}}},
		{"groups.ListRoles", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.ListRoles(ctx, "7", &groups.ListRolesParams{MaxPageSize: 20, PageToken: "a b"})
		}, "GET " + group + "/roles?maxPageSize=20&pageToken=a%20b", "", `{"groupRoles":[{"id":"8"}],"nextPageToken":""}`,
			&groups.ListRolesResponse{Roles: []groups.Role{{ID: "8"}}}},
		{"groups.ListMemberships", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.ListMemberships(ctx, "-", &groups.ListMembershipsParams{Filter: "user in ['users/1']"})
		}, "GET /cloud/v2/groups/-/memberships?filter=user%20in%20%5B%27users%2F1%27%5D", "", `{"groupMemberships":null}`, &groups.ListMembershipsResponse{}},
		{"groups.UpdateMembership", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.UpdateMembership(ctx, "7", "m", groups.MembershipUpdate{Role: new("groups/7/roles/8")})
		}, "PATCH " + group + "/memberships/m", `{"role":"groups/7/roles/8"}`, `{"role":"groups/7/roles/8"}`, &groups.Membership{Role: "groups/7/roles/8"}},
		{"groups.AssignRole", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.AssignRole(ctx, "7", "m", groups.AssignRoleRequest{Role: "groups/7/roles/8"})
		}, "POST " + group + "/memberships/m:assignRole", `{"role":"groups/7/roles/8"}`, `{"roles":["groups/7/roles/8"]}`, &groups.Membership{Roles: []string{"groups/7/roles/8"}}},
		{"groups.UnassignRole", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.UnassignRole(ctx, "7", "m", groups.UnassignRoleRequest{Role: "groups/7/roles/8"})
		}, "POST " + group + "/memberships/m:unassignRole", `{"role":"groups/7/roles/8"}`, `{"roles":[]}`, &groups.Membership{Roles: []string{}}},
		{"groups.ListJoinRequests", func(ctx context.Context, c *api.Client) (any, error) { return c.Groups.ListJoinRequests(ctx, "7", nil) },
			"GET " + group + "/join-requests", "", `{"groupJoinRequests":[{"user":"users/1"}]}`, &groups.ListJoinRequestsResponse{JoinRequests: []groups.JoinRequest{{User: "users/1"}}}},
		{"groups.AcceptJoinRequest", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.Groups.AcceptJoinRequest(ctx, "7", "1"))
		}, "POST " + group + "/join-requests/1:accept", `{}`, `""`, nil},
		{"groups.DeclineJoinRequest", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.Groups.DeclineJoinRequest(ctx, "7", "1"))
		}, "POST " + group + "/join-requests/1:decline", `{}`, `{}`, nil},
		{"groups.ListForumCategories", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.ListForumCategories(ctx, "7", nil)
		},
			"GET " + group + "/forum-categories", "", `{"groupForumCategories":[{"displayName":"News"}]}`, &groups.ListForumCategoriesResponse{ForumCategories: []groups.ForumCategory{{DisplayName: "News"}}}},
		{"groups.ListForumPosts", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.ListForumPosts(ctx, "7", "c", &groups.ListForumPostsParams{View: groups.ListForumPostsViewFull})
		}, "GET " + group + "/forum-categories/c/posts?view=FULL", "", `{"groupForumPosts":[{"commentCount":"4"}]}`, &groups.ListForumPostsResponse{ForumPosts: []groups.ForumPost{{CommentCount: 4}}}},
		{"groups.ListForumComments", func(ctx context.Context, c *api.Client) (any, error) {
			return c.Groups.ListForumComments(ctx, "7", "c", "p", nil)
		},
			"GET " + group + "/forum-categories/c/posts/p/comments", "", `{"groupForumComments":[{"message":{"plainText":"hi"}}]}`,
			&groups.ListForumCommentsResponse{ForumComments: []groups.ForumComment{{Message: groups.ContentMessage{PlainText: "hi"}}}}},
	}
}

func messagingCalls() []wire {
	return []wire{
		{"messaging.PublishMessage", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.Messaging.Publish(ctx, "1", "topic/ä", "hello"))
		}, "POST /cloud/v2/universes/1:publishMessage", `{"topic":"topic/ä","message":"hello"}`, ``, nil},
		{"messaging.PublishMessage", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.Messaging.PublishMessage(ctx, "1", messaging.PublishMessageRequest{Topic: "t"}))
		}, "POST /cloud/v2/universes/1:publishMessage", `{"topic":"t","message":""}`, `{}`, nil},
	}
}

// entryCalls are the calls that both ways to an entry share.
func entryCalls(s datastores.Store, base, suffix string) []wire {
	list := `{"dataStoreEntries":[{"id":"k"}],"nextPageToken":"n"}`
	return []wire{
		{"datastores.ListEntries" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.ListEntries(ctx, s, &datastores.ListEntriesParams{ShowDeleted: true, Filter: `id.startsWith("k")`})
		}, "GET " + base + "?filter=id.startsWith%28%22k%22%29&showDeleted=true", "", list,
			&datastores.ListEntriesResponse{Entries: []datastores.Entry{{ID: "k"}}, NextPageToken: "n"}},
		{"datastores.CreateEntry" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.CreateEntry(ctx, s, "a/b", datastores.EntryCreate{Value: map[string]int{"coins": 0}, Users: []string{}})
		}, "POST " + base + "?id=a%2Fb", `{"value":{"coins":0},"users":[]}`, `{"id":"a/b","value":{"coins":0},"state":"ACTIVE"}`,
			&datastores.Entry{ID: "a/b", Value: json.RawMessage(`{"coins":0}`), State: datastores.EntryStateActive}},
		{"datastores.GetEntry" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.GetEntry(ctx, s, "k@latest")
		},
			"GET " + base + "/k%40latest", "", `{"id":"k","value":"text","attributes":{"a":1}}`,
			&datastores.Entry{ID: "k", Value: json.RawMessage(`"text"`), Attributes: map[string]any{"a": 1.0}}},
		{"datastores.UpdateEntry" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.UpdateEntry(ctx, s, "k", datastores.EntryUpdate{Value: 0}, &datastores.UpdateEntryParams{AllowMissing: true})
		}, "PATCH " + base + "/k?allowMissing=true", `{"value":0}`, `{"value":0}`, &datastores.Entry{Value: json.RawMessage(`0`)}},
		{"datastores.UpdateEntry" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.UpdateEntry(ctx, s, "k", datastores.EntryUpdate{Value: json.RawMessage("null"), Attributes: map[string]any{}}, nil)
		}, "PATCH " + base + "/k", `{"value":null,"attributes":{}}`, `{}`, &datastores.Entry{}},
		{"datastores.DeleteEntry" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.DataStores.DeleteEntry(ctx, s, "k"))
		}, "DELETE " + base + "/k", "", ``, nil},
		{"datastores.IncrementEntry" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.IncrementEntry(ctx, s, "k", datastores.IncrementEntryRequest{})
		}, "POST " + base + "/k:increment", `{"amount":0}`, `{"value":5}`, &datastores.Entry{Value: json.RawMessage(`5`)}},
		{"datastores.ListRevisions" + suffix, func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.ListRevisions(ctx, s, "k", nil)
		}, "GET " + base + "/k:listRevisions", "", list, &datastores.ListRevisionsResponse{Entries: []datastores.Entry{{ID: "k"}}, NextPageToken: "n"}},
	}
}

func storeCalls() []wire {
	const stores = "/cloud/v2/universes/1/data-stores"
	return []wire{
		{"datastores.ListStores", func(ctx context.Context, c *api.Client) (any, error) { return c.DataStores.ListStores(ctx, "1", nil) },
			"GET " + stores, "", `{"dataStores":[{"id":"S"}]}`, &datastores.ListStoresResponse{DataStores: []datastores.DataStore{{ID: "S"}}}},
		{"datastores.DeleteStore", func(ctx context.Context, c *api.Client) (any, error) { return c.DataStores.DeleteStore(ctx, "1", "S") },
			"DELETE " + stores + "/S", "", `{"state":"DELETED","expireTime":"2026-09-01T00:00:00Z"}`, &datastores.DataStore{State: datastores.StoreStateDeleted, ExpireTime: utc("2026-09-01T00:00:00Z")}},
		{"datastores.UndeleteStore", func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.UndeleteStore(ctx, "1", "S")
		},
			"POST " + stores + "/S:undelete", `{}`, `{"state":"ACTIVE"}`, &datastores.DataStore{State: datastores.StoreStateActive}},
		{"datastores.Snapshot", func(ctx context.Context, c *api.Client) (any, error) { return c.DataStores.Snapshot(ctx, "1") },
			"POST " + stores + ":snapshot", `{}`, `{"newSnapshotTaken":true}`, &datastores.SnapshotResponse{NewSnapshotTaken: true}},
		{"datastores.ListOrderedEntries", func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.ListOrderedEntries(ctx, orderedStore(), &datastores.ListOrderedEntriesParams{OrderBy: "value desc", Filter: "entry >= 1"})
		}, "GET " + ordered + "?orderBy=value%20desc&filter=entry%20%3E%3D%201", "", `{"orderedDataStoreEntries":[{"id":"k","value":2}]}`,
			&datastores.ListOrderedEntriesResponse{OrderedEntries: []datastores.OrderedEntry{{ID: "k", Value: 2}}}},
		{"datastores.CreateOrderedEntry", func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.CreateOrderedEntry(ctx, orderedStore(), "k", datastores.OrderedEntryCreate{})
		}, "POST " + ordered + "?id=k", `{"value":0}`, `{"id":"k"}`, &datastores.OrderedEntry{ID: "k"}},
		{"datastores.GetOrderedEntry", func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.GetOrderedEntry(ctx, orderedStore(), "k")
		}, "GET " + ordered + "/k", "", `{"value":7}`, &datastores.OrderedEntry{Value: 7}},
		{"datastores.UpdateOrderedEntry", func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.UpdateOrderedEntry(ctx, orderedStore(), "k", datastores.OrderedEntryUpdate{Value: new(int64)}, nil)
		}, "PATCH " + ordered + "/k", `{"value":0}`, `{}`, &datastores.OrderedEntry{}},
		{"datastores.DeleteOrderedEntry", func(ctx context.Context, c *api.Client) (any, error) {
			return void(c.DataStores.DeleteOrderedEntry(ctx, orderedStore(), "k"))
		}, "DELETE " + ordered + "/k", "", `{}`, nil},
		{"datastores.IncrementOrderedEntry", func(ctx context.Context, c *api.Client) (any, error) {
			return c.DataStores.IncrementOrderedEntry(ctx, orderedStore(), "k", datastores.IncrementOrderedEntryRequest{Amount: -1})
		}, "POST " + ordered + "/k:increment", `{"amount":-1}`, `{"value":-1}`, &datastores.OrderedEntry{Value: -1}},
	}
}

func calls() []wire {
	return slices.Concat(userCalls(), universeCalls(), assetCalls(), serverCalls(), groupCalls(), messagingCalls(), storeCalls(),
		entryCalls(store(), entries, ""), entryCalls(inScope(), scoped, "InScope"))
}

// client returns a client of a server that answers with h.
func client(t *testing.T, h http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	core, err := opencloud.New(opencloud.Options{APIKey: "test-key", BaseURL: server.URL, HTTPClient: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return api.New(core)
}

func TestCallsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, row := range calls() {
		t.Run(row.operation, func(t *testing.T) {
			t.Parallel()
			hits := 0
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				hits++
				request := r.Method + " " + r.URL.EscapedPath()
				if r.URL.RawQuery != "" {
					request += "?" + r.URL.RawQuery
				}
				if request != row.request {
					t.Errorf("sent %s\nwant %s", request, row.request)
				}
				if key := r.Header.Get("X-Api-Key"); key != "test-key" {
					t.Errorf("the key on the wire is %q", key)
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if got := strings.TrimSpace(string(body)); got != row.body {
					t.Errorf("sent the body %s\nwant %s", got, row.body)
				}
				if kind := r.Header.Get("Content-Type"); (row.body != "") != strings.HasPrefix(kind, "application/json") {
					t.Errorf("sent Content-Type %q with the body %q", kind, row.body)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, row.answer)
			})
			got, err := row.call(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			if hits != 1 {
				t.Errorf("%d requests", hits)
			}
		})
	}
}

func TestCallsAreDescribed(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, row := range calls() {
		have[row.operation] = true
	}
	all := regexp.MustCompile(`(?m)^ +operationId: (\S+)$`).FindAllSubmatch(openapi.OpenCloud(), -1)
	if len(all) < 40 {
		t.Fatalf("found only %d operations in the description", len(all))
	}
	described := map[string]bool{}
	for _, m := range all {
		described[string(m[1])] = true
	}
	for operation := range have {
		if !described[operation] {
			t.Errorf("calls has %s, which is not in the description", operation)
		}
	}
}

func TestEveryErrorIsTheSameType(t *testing.T) {
	t.Parallel()
	for _, row := range calls() {
		t.Run(row.operation, func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"code":"NOT_FOUND","message":"nothing here"}`)
			})
			_, err := row.call(t.Context(), c)
			var e *opencloud.Error
			if !errors.As(err, &e) || !errors.Is(err, opencloud.ErrNotFound) {
				t.Fatalf("%T %v", err, err)
			}
			if e.Status != http.StatusNotFound || e.Code != "NOT_FOUND" || e.Method != strings.TrimSuffix(row.operation, "InScope") {
				t.Errorf("status %d, code %s, method %s", e.Status, e.Code, e.Method)
			}
		})
	}
}
