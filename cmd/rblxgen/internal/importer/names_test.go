package importer

import (
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

func TestDeriveMethod(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ id, verb, path, noun, want string }{
		{"Cloud_GetGroup", "GET", "", "Group", "GetGroup"},
		{"Cloud_ListGroupRoles", "GET", "", "Group", "ListRoles"},
		{"Cloud_ListGroups", "GET", "", "Group", "ListGroups"},
		{"Cloud_GetDataStoreEntry__Using_Universes_DataStores", "GET", "", "DataStore", "GetEntry"},
		{"Cloud_IncrementOrderedDataStoreEntry", "POST", "", "DataStore", "IncrementOrderedEntry"},
		{"listAssetVersions", "GET", "", "Asset", "ListVersions"},
		{"", "GET", "/legacy-groups/v1/groups/{groupId}/audit-log", "Group", "GetAuditLog"},
		{"", "POST", "/cloud/v2/universes/{universeId}/secrets", "", "CreateSecrets"},
	} {
		op := spec.Operation{Verb: row.verb, Path: row.path, Object: spec.Object{}}
		if row.id != "" {
			op.Object["operationId"] = row.id
		}
		if got := deriveMethod(op, row.noun); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.id, row.path, got, row.want)
		}
	}
}

func TestDeriveType(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ schema, noun, want string }{
		{"Group", "Group", "Group"},
		{"GroupRole", "Group", "Role"},
		{"GroupRole_RolePermissions", "Group", "RolePermissions"},
		{"User_SocialNetworkProfiles", "User", "SocialNetworkProfiles"},
		{"InventoryItem_AssetDetails", "User", "InventoryItemAssetDetails"},
		{"ListDataStoreEntriesResponse", "DataStore", "ListEntriesResponse"},
		{"Roblox.Groups.Api.GroupPolicyRequest", "Group", "PolicyRequest"},
		{"GroupRequest", "Group", "GroupRequest"},
	} {
		if got := deriveType(row.schema, row.noun); got != row.want {
			t.Errorf("%s: %s, want %s", row.schema, got, row.want)
		}
	}
}

func TestSchemasWithOneNameAreToldApart(t *testing.T) {
	t.Parallel()
	n := &names{doc: spec.Object{}, source: spec.Object{"A.GroupRole": spec.Object{}, "B.GroupRole": spec.Object{"enum": []any{"X"}}, "Client": spec.Object{}}, used: map[string]string{}}
	for _, row := range []struct{ schema, want string }{
		{"A.GroupRole", "Role"}, {"B.GroupRole", "BRole"}, {"A.GroupRole", "Role"}, {"Client", "Client2"},
	} {
		if got := n.schema("groups", row.schema, "somewhere"); got != row.want {
			t.Errorf("%s is %s, want %s", row.schema, got, row.want)
		}
	}
}

func TestFamilyOfAnUnknownPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/legacy-avatar/v1/avatar":                            "avatar",
		"/creator-stats-public-api/v2/things":                 "creatorstats",
		"/cloud/v2/universes/{universe_id}/leader-boards/{b}": "leaderboards",
		"/cloud/v2/universes/{universe_id}/places/{p}/walls":  "walls",
		"/cloud/v2/badges:search":                             "badges",
		"/v1/3d-models/{id}":                                  "x3dmodels",
		"/v1/{id}":                                            "misc",
		"/api/v1/x":                                           "apix",
		"/type-service/v1/x":                                  "typex",
		"/time-api/v1/x":                                      "timex",
	} {
		if got := familyOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
