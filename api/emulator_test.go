package api_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/datastores"
	"github.com/rblx-go/opencloud/api/groups"
	"github.com/rblx-go/opencloud/api/universes"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
)

// emulated returns a client of the emulator, a server that was written apart
// from the clients.
func emulated(t *testing.T) *api.Client {
	t.Helper()
	core, err := opencloud.New(emulatortest.Start(t).Options())
	if err != nil {
		t.Fatal(err)
	}
	return api.New(core)
}

func TestEmulatedDataStore(t *testing.T) {
	t.Parallel()
	for _, s := range []datastores.Store{
		{Universe: "8801", ID: "PlayerData"}, {Universe: "8801", ID: "Player Data?", Scope: "eu"},
	} {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			c, ctx, id := emulated(t).DataStores, t.Context(), "ä b+c#d%2F"
			if _, err := c.GetEntry(ctx, s, id); !errors.Is(err, opencloud.ErrNotFound) {
				t.Fatalf("an entry that is not there: %v", err)
			}
			if _, err := c.CreateEntry(ctx, s, id, datastores.EntryCreate{Value: map[string]any{"coins": 5}, Users: []string{"users/156"}}); err != nil {
				t.Fatal(err)
			}
			e, err := c.GetEntry(ctx, s, id)
			if err != nil || string(e.Value) != `{"coins":5}` || len(e.Users) != 1 || e.State != datastores.EntryStateActive || e.CreateTime.IsZero() {
				t.Fatalf("%+v, %v", e, err)
			}
			if _, err := c.UpdateEntry(ctx, s, "missing", datastores.EntryUpdate{Value: 1}, nil); !errors.Is(err, opencloud.ErrNotFound) {
				t.Errorf("an update of nothing: %v", err)
			}
			if _, err := c.UpdateEntry(ctx, s, "counter", datastores.EntryUpdate{Value: 0}, &datastores.UpdateEntryParams{AllowMissing: true}); err != nil {
				t.Fatal(err)
			}
			if e, err := c.IncrementEntry(ctx, s, "counter", datastores.IncrementEntryRequest{Amount: 7}); err != nil || string(e.Value) != "7" {
				t.Fatalf("%+v, %v", e, err)
			}
			if n, err := count(c.Revisions(ctx, s, "counter", nil)); n != 2 || err != nil {
				t.Errorf("%d revisions, %v", n, err)
			}
			if n, err := count(c.Entries(ctx, s, &datastores.ListEntriesParams{MaxPageSize: 1})); n != 2 || err != nil {
				t.Errorf("%d entries, %v", n, err)
			}
			if err := c.DeleteEntry(ctx, s, id); err != nil {
				t.Fatal(err)
			}
			if n, err := count(c.Entries(ctx, s, nil)); n != 1 || err != nil {
				t.Errorf("%d entries after one was deleted, %v", n, err)
			}
		})
	}
}

func TestEmulatedFamilies(t *testing.T) {
	t.Parallel()
	c, ctx := emulated(t), t.Context()
	if u, err := c.Users.GetUser(ctx, "156"); err != nil || u.ID != "156" || u.Name == "" || u.CreateTime.IsZero() {
		t.Errorf("%+v, %v", u, err)
	}
	on, err := c.Universes.UpdateUniverse(ctx, "8801", universes.UniverseUpdate{VoiceChatEnabled: new(true)})
	if err != nil || !on.VoiceChatEnabled {
		t.Fatalf("%+v, %v", on, err)
	}
	off, err := c.Universes.UpdateUniverse(ctx, "8801", universes.UniverseUpdate{VoiceChatEnabled: new(false)})
	if err != nil || off.VoiceChatEnabled {
		t.Errorf("false was not sent: %+v, %v", off, err)
	}
	if err := c.Messaging.Publish(ctx, "8801", "topic", "hello"); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for m, err := range c.Groups.Memberships(ctx, "7001", &groups.ListMembershipsParams{MaxPageSize: 50}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[m.User] = true
	}
	if len(seen) < 100 || !seen["users/257"] {
		t.Errorf("%d members over pages of 50", len(seen))
	}
	for m, err := range c.Groups.Memberships(ctx, "7001", &groups.ListMembershipsParams{Filter: "user == 'users/257'"}) {
		if err != nil || m.User != "users/257" || !strings.HasPrefix(m.Role, "groups/7001/roles/") {
			t.Errorf("%+v, %v", m, err)
		}
	}
	for r, err := range c.Groups.JoinRequests(ctx, "7002", nil) {
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Groups.AcceptJoinRequest(ctx, "7002", path.Base(r.Path)); err != nil {
			t.Error(err)
		}
		break
	}
	if n, err := count(c.Groups.JoinRequests(ctx, "7002", nil)); n != 2 || err != nil {
		t.Errorf("%d join requests, %v", n, err)
	}
}
