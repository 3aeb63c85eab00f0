package generator

import (
	"path/filepath"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// What no sentence was written for is described by what the description knows.
func TestFieldFacts(t *testing.T) {
	t.Parallel()
	f := &family{doc: document(spec.Object{}, spec.Object{
		"State": spec.Object{"type": "string", "enum": []any{"ON"}}, "Part": spec.Object{"type": "object"},
	})}
	for _, row := range []struct {
		wire, goType string
		o            spec.Object
		want         string
	}{
		{"displayName", "string", spec.Object{}, "DisplayName is the display name."},
		{"assetId", "opencloud.Int64", spec.Object{"readOnly": true}, "AssetID is the asset's id. Roblox sets it."},
		{"state", "State", spec.Object{}, "State is one of the values of [State]."},
		{"part", "*Part", spec.Object{}, "Part is of type [Part]. It is not sent if it is nil."},
		{"parts", "[]Part", spec.Object{}, "Parts lists the parts, each of type [Part]."},
		{"labels", "map[string]string", spec.Object{}, "Labels holds the labels by key."},
		{"startTime", "time.Time", spec.Object{}, "StartTime is the start time, in RFC 3339 on the wire."},
		{"updated", "time.Time", spec.Object{}, "Updated is when it was updated, in RFC 3339 on the wire."},
		{"ttl", "opencloud.Duration", spec.Object{"writeOnly": true}, "TTL is the TTL, in seconds such as 3s on the wire. Roblox does not return it."},
		{"maxDurationSeconds", "*int", spec.Object{"minimum": 1, "maximum": noBound}, "MaxDurationSeconds is the max duration in seconds, 1 or more. It is not sent if it is nil."},
		{"count", "int", spec.Object{"schema": spec.Object{"minimum": 1, "maximum": 9.5}}, "Count is the count, 1 or more and 9.5 or less."},
		{"id", "string", spec.Object{"format": "uuid", "x-immutable": true}, "ID is the id, a UUID. It never changes."},
		{"after", "json.RawMessage", spec.Object{}, "After is the value after, any JSON."},
		{"Files", "opencloud.File", spec.Object{}, "Files is the file to send."},
		{"amountMicros", "string", spec.Object{}, "AmountMicros is the amount in millionths."},
		{"vrEnabled", "bool", spec.Object{}, "VREnabled says whether VR is enabled."},
		{"isPartnerAllowed", "bool", spec.Object{}, "IsPartnerAllowed says whether partner is allowed."},
		{"isApprovalRequired", "bool", spec.Object{}, "IsApprovalRequired says whether approval is required."},
		{"areEnemiesAllowed", "bool", spec.Object{}, "AreEnemiesAllowed says whether enemies are allowed."},
		{"thumbnailsCreated", "bool", spec.Object{}, "ThumbnailsCreated says whether thumbnails are created."},
		{"after", "[]string", spec.Object{}, "After lists the values after."},
		{"durationInDays", "int", spec.Object{}, "DurationInDays is the duration in days."},
		{"canManage", "bool", spec.Object{}, "CanManage says whether it can manage."},
		{"hideOwned", "bool", spec.Object{}, "HideOwned says whether to hide owned."},
		{"lockPosts", "bool", spec.Object{}, "LockPosts says whether to lock posts."},
		{"premium", "bool", spec.Object{}, "Premium says whether it is premium."},
		{"userVote", "bool", spec.Object{}, "UserVote is a flag: user vote or not."},
		{"old", "string", spec.Object{"deprecated": true, "x-deprecated-reason": "new is better"}, "Old is the old.\n\nDeprecated: new is better."},
		{"plain", "string", spec.Object{"description": "is said by hand."}, "Plain is said by hand."},
		{"size", "*int", spec.Object{"description": "is said by hand.", "minimum": 1}, "Size is said by hand. Limits: 1 or more. It is not sent if it is nil."},
		{"user", "string", spec.Object{"description": "is users/ID.", "readOnly": true, "x-immutable": true}, "User is users/ID. Roblox sets it. It never changes."},
	} {
		if got := f.fieldDoc(field{Name: GoName(row.wire), Wire: row.wire, Type: row.goType}, row.o, "on the wire"); got != row.want {
			t.Errorf("%s: %q, want %q", row.wire, got, row.want)
		}
	}
	pinned := field{Name: "Roles", Wire: "groupRoles", Type: "[]Part", Must: true}
	if got, want := f.fieldDoc(pinned, spec.Object{}, "in the form"), "Roles lists the group roles, each of type [Part], groupRoles in the form. A request must have it."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The sentence of one method's parameter goes before that of all of its name,
// and what a field says itself before both.
func TestDescribeFields(t *testing.T) {
	t.Parallel()
	parameter := func(in string) spec.Object { return spec.Object{"in": in, "name": "size"} }
	one, other, path, said := parameter("query"), parameter("query"), parameter("path"), parameter("header")
	said["description"] = "is said here."
	prop := spec.Object{"type": "integer"}
	doc := document(spec.Object{
		"/a": spec.Object{"get": spec.Object{"operationId": "f.One", "parameters": []any{one, path}}},
		"/b": spec.Object{"get": spec.Object{"operationId": "f.Other", "parameters": []any{other, said}}},
	}, spec.Object{"f.Part": spec.Object{"properties": spec.Object{"size": prop}}})
	doc["x-rblx-fields"] = spec.Object{"size": "is a number.", "f.One.size": "is the side."}
	describeFields(doc)
	for i, row := range []struct {
		o    spec.Object
		want string
	}{{one, "is the side."}, {other, "is a number."}, {path, ""}, {said, "is said here."}, {prop, "is a number."}} {
		if got := spec.Text(row.o, "description"); got != row.want {
			t.Errorf("%d: %q, want %q", i, got, row.want)
		}
	}
}

// A misspelt name in the overlay would describe nothing, and say nothing.
func TestFieldsNamedInTheOverlayExist(t *testing.T) {
	t.Parallel()
	doc, err := Description(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	spec.Visit(doc["components"], func(o spec.Object) {
		for _, name := range spec.Keys(spec.At(o, "properties")) {
			known[name] = true
		}
	})
	for _, op := range spec.Operations(doc) {
		for _, e := range spec.List(op.Object, "parameters") {
			p, _ := e.(spec.Object)
			known[spec.Text(p, "name")] = true
			known[spec.Text(op.Object, "operationId")+"."+spec.Text(p, "name")] = true
		}
	}
	for _, name := range spec.Keys(spec.At(doc, "x-rblx-fields")) {
		if !known[name] {
			t.Errorf("openapi/overlay.yaml: x-rblx-fields: no field or parameter is named %q", name)
		}
	}
}
