package importer

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// canary stands for every sentence of a document.
const canary = "CANARY sentence"

// source is a small document with one of everything that a pass corrects.
const source = `{
"openapi": "3.0.4",
"info": {"title": "` + canary + `", "version": "1", "description": "` + canary + ` 😀"},
"servers": [{"url": "https://apis.roblox.com"}],
"tags": [{"name": "` + canary + `"}],
"paths": {
  "/cloud/v2/groups/{group_id}": {
    "get": {"operationId": "Cloud_GetGroup", "summary": "` + canary + `", "description": "` + canary + `", "tags": ["` + canary + `"],
      "externalDocs": {"url": "` + canary + `"},
      "security": [{"roblox-legacy-cookie": []}, {"roblox-api-key": ["x"]}, {"roblox-oauth2": []}],
      "x-roblox-scopes": [{"name": "group:read", "description": "` + canary + `"}],
      "x-roblox-rate-limits": {"perApiKeyOwner": {"period": "MINUTE", "maxInPeriod": 300}, "description": "` + canary + `"},
      "x-roblox-stability": "BETA", "x-roblox-docs": {"category": "` + canary + `"},
      "parameters": [{"name": "group_id", "in": "path", "description": "` + canary + `", "schema": {"type": "integer"}},
        {"name": "view", "in": "query", "schema": {"type": "string", "enum": ["A", "B"], "format": "enum"}}],
      "responses": {"200": {"description": "` + canary + `", "content": {"text/json": {"schema": {"$ref": "#/components/schemas/Group"}, "example": "` + canary + `"}}},
        "404": {"description": "` + canary + `", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}}},
  "/cloud/v2/groups/{group_id}/roles#other.example": {
    "post": {"operationId": "Cloud_CreateGroupRole__Using_Groups", "security": [{"roblox-api-key": []}],
      "parameters": [{"name": "group_id", "in": "path", "required": true, "schema": {"type": "string"}}],
      "requestBody": {"$ref": "#/components/requestBodies/Role"},
      "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {"role": {"$ref": "#/components/schemas/GroupRole"}, "kind": {"type": "string", "enum": ["A"]}}}}}}}}},
  "/cloud/v2/users/{user_id}:generateThumbnail": {
    "get": {"operationId": "Cloud_GenerateUserThumbnail", "security": [{"roblox-api-key": []}], "x-long-running-operation-parameters": {},
      "parameters": [{"name": "user_id", "in": "path", "required": true, "schema": {"type": "string"}}], "responses": {"200": {"description": ""}}}},
  "/v1/elsewhere": {"get": {"security": [{"roblox-oauth2": []}], "responses": {"200": {"description": ""}}}},
  "/v1/cookies": {"get": {"security": [{"roblox-legacy-cookie": []}], "responses": {"200": {"description": ""}}}}
},
"components": {
  "requestBodies": {"Role": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/GroupRole"}}, "application/*+json": {"schema": {"$ref": "#/components/schemas/GroupRole"}}}}},
  "schemas": {
    "Group": {"type": "object", "description": "` + canary + `", "x-resource": true, "properties": {
      "path": {"type": "string", "description": "` + canary + `"},
      "description": {"type": "string", "title": "` + canary + `"},
      "owner": {"required": true, "allOf": [{"$ref": "#/components/schemas/Group_Owner"}], "nullable": true, "description": "` + canary + `"},
      "state": {"readOnly": true, "type": "string", "format": "enum", "enum": ["ON", "OFF"]},
      "value": {"$ref": "#/components/schemas/GoogleProtobufValue", "description": "` + canary + `"},
      "name": {"type": "string", "format": "binary"}}, "additionalProperties": false},
    "Group_Owner": {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": {"nullable": true}},
    "GroupRole": {"type": "object", "properties": {"rank": {"type": "integer", "format": "int32"}}},
    "GoogleProtobufValue": {"description": "` + canary + `"},
    "Problem": {"type": "object"}
  }
}}`

// tree imports the source into an empty module and writes what comes out.
func tree(t *testing.T, o Options) (root string, r *Result) {
	t.Helper()
	root = t.TempDir()
	return root, into(t, root, source, o)
}

func into(t *testing.T, root, text string, o Options) *Result {
	t.Helper()
	r, err := Import(root, []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "openapi"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range r.Files {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func description(t testing.TB, root string) spec.Object {
	t.Helper()
	doc, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestImportDropsProseAndFaults(t *testing.T) {
	t.Parallel()
	root, r := tree(t, Options{Date: "2026-08-11"})
	for name, text := range r.Files {
		if strings.Contains(string(text), "CANARY") {
			t.Errorf("a sentence of the source is in %s", name)
		}
	}
	doc := description(t, root)
	get := spec.At(doc, "paths", "/cloud/v2/groups/{group_id}", "get")
	for what, row := range map[string]struct{ got, want any }{
		"operation":             {get["operationId"], "groups.GetGroup"},
		"family":                {get["tags"].([]any)[0], "groups"},
		"scopes":                {spec.Strings(get, "x-roblox-scopes")[0], "group:read"},
		"limit":                 {spec.At(get, "x-roblox-rate-limits", "perApiKeyOwner")["maxInPeriod"], 300},
		"stability":             {get["x-roblox-stability"], "BETA"},
		"credentials":           {len(spec.List(get, "security")), 2},
		"errors are dropped":    {len(spec.At(get, "responses")), 1},
		"text/json is JSON":     {spec.At(get, "responses", "200", "content", "application/json", "schema")["$ref"], spec.RefPrefix + "groups.Group"},
		"ids are strings":       {spec.At(get["parameters"].([]any)[0].(spec.Object), "schema")["type"], "string"},
		"enum parameter":        {spec.At(get["parameters"].([]any)[1].(spec.Object), "schema")["$ref"], spec.RefPrefix + "groups.GetGroupView"},
		"path without a suffix": {spec.Text(spec.At(doc, "paths", "/cloud/v2/groups/{group_id}/roles", "post"), "operationId"), "groups.CreateRole"},
		"body in place": {spec.At(doc, "paths", "/cloud/v2/groups/{group_id}/roles", "post", "requestBody", "content", "application/json", "schema")["$ref"],
			spec.RefPrefix + "groups.Role"},
		"an answer gets a name": {spec.At(doc, "paths", "/cloud/v2/groups/{group_id}/roles", "post", "responses", "200", "content", "application/json", "schema")["$ref"],
			spec.RefPrefix + "groups.CreateRoleResponse"},
		"and what is in it": {spec.At(doc, "components", "schemas", "groups.CreateRoleResponse", "properties", "role")["$ref"], spec.RefPrefix + "groups.Role"},
		"one body type":     {len(spec.At(doc, "paths", "/cloud/v2/groups/{group_id}/roles", "post", "requestBody", "content")), 1},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", what, row.got, row.want)
		}
	}
	props := spec.At(doc, "components", "schemas", "groups.Group", "properties")
	for what, row := range map[string]struct{ got, want any }{
		"a property named description stays": {props["description"] != nil, true},
		"the path is the server's":           {spec.At(props, "path")["readOnly"], true},
		"allOf of one":                       {spec.At(props, "owner")["$ref"], spec.RefPrefix + "groups.Owner"},
		"any value":                          {len(spec.At(props, "value")), 0},
		"binary is text":                     {spec.At(props, "name")["format"], nil},
		"enum has a name":                    {spec.At(doc, "components", "schemas", "groups.State")["type"], "string"},
		"direction stays":                    {spec.At(props, "state")["readOnly"], true},
		"order": {strings.Join(spec.Strings(spec.At(doc, "components", "schemas", "groups.Group"), "x-rblx-order"), " "),
			"path description owner state value name"},
		"additionalProperties": {spec.At(doc, "components", "schemas", "groups.Group")["additionalProperties"], nil},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", what, row.got, row.want)
		}
	}
}

func TestCensusCountsEverything(t *testing.T) {
	t.Parallel()
	_, r := tree(t, Options{Date: "2026-08-11"})
	var c Census
	if err := json.Unmarshal(r.Files["openapi/census.json"], &c); err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Total: 5, LeftOut: 1, Accepted: 4, Generated: 4, Unplaced: 1}); c.Operations != want {
		t.Errorf("%+v, want %+v", c.Operations, want)
	}
	if want := []string{"GET /v1/elsewhere"}; !slices.Equal(c.Unplaced, want) {
		t.Errorf("%v, want %v", c.Unplaced, want)
	}
	if want := map[string]int{"groups": 2, "users": 1, "elsewhere": 1}; !maps.Equal(c.Families, want) {
		t.Errorf("%v, want %v", c.Families, want)
	}
}

// The committed census must add up, agree with the committed description and
// place every operation.
func TestCommittedCensus(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..")
	text, err := os.ReadFile(filepath.Join(root, "openapi", "census.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c Census
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	n := c.Operations
	if n.Accepted < 253 || n.Total != n.LeftOut+n.Accepted || n.Accepted != n.Generated+len(c.Skipped) {
		t.Errorf("%+v does not add up with %d without a method", n, len(c.Skipped))
	}
	if n.Unplaced != 0 || len(c.Unplaced) != 0 || len(c.Skipped) != 0 {
		t.Errorf("unplaced, give their paths a family in families.go: %v; without a method: %v", c.Unplaced, c.Skipped)
	}
	families, operations := map[string]int{}, 0
	for _, op := range spec.Operations(description(t, root)) {
		families[spec.Strings(op.Object, "tags")[0]]++
		operations++
	}
	if !maps.Equal(families, c.Families) || operations != n.Generated+n.Kept-len(c.Twins) {
		t.Errorf("the description has %d in %v, the census %+v in %v", operations, families, n, c.Families)
	}
}

func TestImportIsDeterministic(t *testing.T) {
	t.Parallel()
	root, first := tree(t, Options{Date: "2026-08-11"})
	if len(first.Warnings) == 0 {
		t.Error("no warning of new names")
	}
	second := into(t, root, source, Options{Date: "2026-08-11", Strict: true})
	if len(second.Warnings) != 0 {
		t.Errorf("the second import warns: %v", second.Warnings)
	}
	for name, content := range first.Files {
		if string(second.Files[name]) != string(content) {
			t.Errorf("%s differs the second time", name)
		}
	}
}

func TestNamesAreFrozen(t *testing.T) {
	t.Parallel()
	root, _ := tree(t, Options{Date: "2026-08-11"})
	pins, err := os.ReadFile(filepath.Join(root, "openapi", "names.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	pinned := strings.Replace(string(pins), "method: GetGroup", "method: Get", 1)
	if err := os.WriteFile(filepath.Join(root, "openapi", "names.yaml"), []byte(pinned), 0o600); err != nil {
		t.Fatal(err)
	}
	into(t, root, strings.ReplaceAll(source, "Cloud_GetGroup\"", "Cloud_FetchGroup\""), Options{Date: "2027-01-01", Strict: true})
	op := spec.At(description(t, root), "paths", "/cloud/v2/groups/{group_id}", "get")
	if id := spec.Text(op, "operationId"); id != "groups.Get" {
		t.Errorf("the pinned name became %s", id)
	}
}

func TestStrictStopsAtNewNames(t *testing.T) {
	t.Parallel()
	_, err := Import(t.TempDir(), []byte(source), Options{Date: "2026-08-11", Strict: true})
	if err == nil || !strings.Contains(err.Error(), "names.yaml") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

func TestMergeKeepsWhatIsGone(t *testing.T) {
	t.Parallel()
	const key = "POST /cloud/v2/groups/{group_id}/roles"
	before, rest, _ := strings.Cut(source, `  "/cloud/v2/groups/{group_id}/roles#`)
	_, after, _ := strings.Cut(rest, `  "/cloud/v2/users`)
	smaller := before + `  "/cloud/v2/users` + after
	root, _ := tree(t, Options{Date: "2026-08-11"})

	r := into(t, root, smaller, Options{Date: "2026-09-01"})
	if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.HasPrefix(w, key) }) {
		t.Errorf("no warning of %s: %v", key, r.Warnings)
	}
	kept := spec.At(description(t, root), "paths", "/cloud/v2/groups/{group_id}/roles", "post")
	if !spec.Flag(kept, "deprecated") || spec.Text(kept, "x-deprecated-reason") != "not in the document of 2026-09-01" {
		t.Errorf("%v", kept)
	}
	if spec.At(description(t, root), "components", "schemas", "groups.Role") == nil {
		t.Error("the schema of what was kept is gone")
	}

	into(t, root, smaller, Options{Date: "2026-10-01"})
	kept = spec.At(description(t, root), "paths", "/cloud/v2/groups/{group_id}/roles", "post")
	if spec.Text(kept, "x-deprecated-reason") != "not in the document of 2026-09-01" {
		t.Errorf("the date of deprecation moved: %v", kept["x-deprecated-reason"])
	}

	into(t, root, source, Options{Date: "2026-11-01"})
	if back := spec.At(description(t, root), "paths", "/cloud/v2/groups/{group_id}/roles", "post"); spec.Flag(back, "deprecated") {
		t.Error("what came back is still deprecated")
	}

	into(t, root, smaller, Options{Date: "2026-12-01", Prune: true})
	if spec.At(description(t, root), "paths", "/cloud/v2/groups/{group_id}/roles") != nil {
		t.Error("prune left it")
	}
}

func TestMergeKeepsFieldsParametersAndValues(t *testing.T) {
	t.Parallel()
	root, _ := tree(t, Options{Date: "2026-08-11"})
	smaller := strings.NewReplacer(
		`"name": {"type": "string", "format": "binary"}`, `"added": {"type": "string"}`,
		`"owner": {"required"`, `"other": {"required"`,
		`"enum": ["ON", "OFF"]`, `"enum": ["ON", "NEW"]`,
		`{"name": "view", "in": "query"`, `{"name": "shape", "in": "query"`,
	).Replace(source)
	r := into(t, root, smaller, Options{Date: "2026-09-01"})
	doc := description(t, root)
	props := spec.At(doc, "components", "schemas", "groups.Group", "properties")
	for what, kept := range map[string]spec.Object{
		"groups.Group.name": spec.At(props, "name"), "groups.Group.owner": spec.At(props, "owner"),
		"GET /cloud/v2/groups/{group_id}?view": spec.At(doc, "paths", "/cloud/v2/groups/{group_id}", "get")["parameters"].([]any)[2].(spec.Object),
	} {
		if !spec.Flag(kept, "deprecated") || spec.Text(kept, "x-deprecated-reason") != "not in the document of 2026-09-01" {
			t.Errorf("%s became %v", what, kept)
		}
		if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.HasPrefix(w, what+" is not in") }) {
			t.Errorf("no warning of %s: %v", what, r.Warnings)
		}
	}
	if values := spec.Strings(spec.At(doc, "components", "schemas", "groups.State"), "enum"); !slices.Equal(values, []string{"ON", "OFF", "NEW"}) {
		t.Errorf("the values are %v", values)
	}
	if spec.At(props, "added") == nil || spec.Flag(spec.At(props, "added"), "deprecated") {
		t.Error("the new field is missing or deprecated")
	}

	into(t, root, smaller, Options{Date: "2026-10-01", Prune: true})
	if spec.At(description(t, root), "components", "schemas", "groups.Group", "properties", "name") != nil {
		t.Error("prune left the field")
	}
}

func TestBadDocuments(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"empty":           {"", "line 1, column 1: no JSON: the text ends"},
		"not JSON":        {"openapi: 3.0.4\npaths: {}", "line 1, column"},
		"HTML":            {"<!DOCTYPE html><html></html>", "line 1, column"},
		"truncated":       {source[:len(source)/2], "the text ends in the middle"},
		"a second one":    {source + "{}", "more after the end"},
		"a list":          {"[]", "no JSON object"},
		"null":            {"null", "no JSON object"},
		"Swagger 2":       {`{"swagger":"2.0","paths":{}}`, "openapi: missing"},
		"OpenAPI 4":       {`{"openapi":"4.0.0","paths":{}}`, `"4.0.0"`},
		"version a float": {`{"openapi":3.0,"paths":{}}`, "openapi: missing"},
		"OpenAPI 3.10":    {`{"openapi":"3.10.0","paths":{}}`, `"3.10.0"`},
		"no paths":        {`{"openapi":"3.0.4"}`, "paths: missing"},
		"ref to nowhere":  {strings.Replace(source, "schemas/GroupRole\"", "schemas/Nobody\"", 1), "leads nowhere"},
		"ref to a file":   {strings.Replace(source, "#/components/schemas/GroupRole\"", "/etc/passwd#/a\"", 1), "/etc/passwd#/a\" leads out"},
		"ref to a URL":    {strings.Replace(source, "#/components/schemas/GroupRole\"", "https://example.com/a.json\"", 1), "leads out of the document"},
		"too deep":        {`{"openapi":"3.0.4","paths":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5001), "nested more than"},
		"schema in itself": {strings.Replace(source, `"rank": {"type": "integer", "format": "int32"}`, `"parent": {"$ref": "#/components/schemas/GroupRole"}`, 1),
			`/components/schemas/GroupRole/properties/parent: $ref "#/components/schemas/GroupRole" leads in a circle`},
		"schemas in a circle":      {strings.Replace(source, `"Group_Owner": {`, `"Group_Owner": {"allOf": [{"$ref": "#/components/schemas/Group"}],`, 1), "leads in a circle"},
		"circle of references":     {strings.Replace(source, `"Problem": {"type": "object"}`, `"Problem": {"$ref": "#/components/schemas/Trouble"}, "Trouble": {"$ref": "#/components/schemas/Problem"}`, 1), "leads in a circle"},
		"huge":                     {strings.Repeat(" ", MaxSource+1), "64 MiB"},
		"properties are no object": {strings.Replace(source, `"properties": {"rank"`, `"properties": 7, "x": {"rank"`, 1), "properties must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			_, err := Import(root, []byte(row.text), Options{Date: "2026-08-11"})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("%v, want %q", err, row.want)
			}
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("not one line: %v", err)
			}
			if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
				t.Errorf("the tree was touched: %v %v", left, err)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(source))
	f.Add([]byte(`{"openapi":"3.0.4","paths":{"/a":{"get":{"parameters":[{"$ref":"#/x"}]}}},"x":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Import(t.TempDir(), text, Options{Date: "2026-08-11"})
		if (r == nil) == (err == nil) {
			t.Errorf("%v and %v", r, err)
		}
	})
}
