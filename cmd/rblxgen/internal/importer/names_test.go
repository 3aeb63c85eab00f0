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

func TestTwoSchemasWithOneNameStopTheImport(t *testing.T) {
	t.Parallel()
	n := &names{doc: spec.Object{}}
	if got, err := n.schema("groups", "A.GroupRole"); got != "Role" || err != nil {
		t.Fatal(got, err)
	}
	if got, err := n.schema("groups", "B.GroupRole"); err == nil {
		t.Errorf("both are %s", got)
	}
}
