package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/apidiff"
	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// state is something that happened to Roblox's document between 2025-08 and
// 2026-08, done to the base document.
type state struct {
	name   string
	change func(doc spec.Object)
	says   string // what the import says of it
}

const (
	repositoryPath = "/configs-api/v1/universes/{universeId}/repositories/{repositoryType}"
	searchPath     = "/configs-api/v1/universes/{universeId}/search"
	entryPath      = "/configs-api/v1/universes/{universeId}/entries/{entryId}"
)

// move gives the value at a key another one.
func move(o spec.Object, from, to string) {
	o[to] = o[from]
	delete(o, from)
}

// rename renames schemas everywhere.
func rename(doc spec.Object, names map[string]string) {
	spec.Rename(doc, func(old string) string {
		if to, ok := names[old]; ok {
			return to
		}
		return old
	})
	for from, to := range names {
		move(spec.At(doc, "components", "schemas"), from, to)
	}
}

// ref refers to a schema.
func ref(schema string) spec.Object { return spec.Object{"$ref": spec.RefPrefix + schema} }

// required is a parameter of text.
func required(name, in string) spec.Object {
	return spec.Object{"name": name, "in": in, "required": true, "schema": spec.Object{"type": "string"}}
}

// call is a GET that a key may call.
func call(id string, answer spec.Object, parameters ...any) spec.Object {
	op := spec.Object{"security": []any{spec.Object{"roblox-api-key": []any{}}}, "parameters": append([]any{}, parameters...),
		"responses": spec.Object{"200": spec.Object{"description": "", "content": spec.Object{"application/json": spec.Object{"schema": answer}}}}}
	if id != "" {
		op["operationId"] = id
	}
	return spec.Object{"get": op}
}

func states() []state {
	schemas := func(doc spec.Object) spec.Object { return spec.At(doc, "components", "schemas") }
	operation := func(doc spec.Object, path, verb string) spec.Object { return spec.At(doc, "paths", path, verb) }
	parameter := func(doc spec.Object, path string, i int) spec.Object {
		p, _ := spec.List(operation(doc, path, "get"), "parameters")[i].(spec.Object)
		return p
	}
	return []state{
		{"2025-08 limits and stability change shape", func(doc spec.Object) {
			op := operation(doc, repositoryPath, "get")
			delete(op, "x-roblox-stability")
			op["x-roblox-rate-limits"] = spec.Object{"perApiKeyOwner": spec.Object{"period": "SECOND", "maxInPeriod": 5}, "perCookie": "unheard of"}
		}, ""},
		{"2025-09 schemas gain a service's prefix", func(doc spec.Object) {
			rename(doc, map[string]string{"Repository": "ConfigsApi.Repository", "Owner": "ConfigsApi.Owner", "Entry": "Roblox.Configs.V1.Entry"})
		}, "the schema ConfigsApi.Owner is what configs.Owner was before"},
		{"2025-11 paths gain a suffix", func(doc spec.Object) {
			move(spec.At(doc, "paths"), repositoryPath, repositoryPath+"#ConfigsApi")
		}, ""},
		{"2026-01 the alternatives' extension is renamed", func(doc spec.Object) {
			move(operation(doc, repositoryPath, "get"), "x-roblox-alternatives", "x-roblox-recommended-alternatives")
		}, ""},
		{"2026-03 a path parameter is renamed", func(doc spec.Object) {
			paths := spec.At(doc, "paths")
			const renamed = "/configs-api/v1/universes/{universeId}/repositories/{repository}"
			move(paths, repositoryPath, renamed)
			p, _ := spec.List(operation(doc, renamed, "get"), "parameters")[1].(spec.Object)
			p["name"] = "repository"
		}, ""},
		{"2026-03 an operation gains an id", func(doc spec.Object) {
			operation(doc, searchPath, "get")["operationId"] = "Toolbox_SearchEverything"
		}, ""},
		{"2026-03 ids change", func(doc spec.Object) {
			operation(doc, repositoryPath, "get")["operationId"] = "Configs_FetchRepo__Using_Universes"
			delete(operation(doc, entryPath, "patch"), "operationId")
		}, ""},
		{"2026-05 operations vanish", func(doc spec.Object) {
			delete(spec.At(doc, "paths"), searchPath)
			delete(spec.At(doc, "paths", entryPath), "delete")
		}, "GET " + searchPath + " is not in the document any more and stays, deprecated"},
		{"2026-05 credentials are no parameters any more", func(doc spec.Object) {
			op := operation(doc, repositoryPath, "get")
			op["parameters"] = spec.List(op, "parameters")[:2]
		}, ""},
		{"2026-06 everything vanishes", func(doc spec.Object) { doc["paths"] = spec.Object{} },
			"PATCH " + entryPath + " is not in the document any more and stays, deprecated"},
		{"2026-07 an enum collides with a schema", func(doc spec.Object) {
			schemas(doc)["RepositoryState"] = spec.Object{"type": "object", "properties": spec.Object{"since": spec.Object{"type": "string"}}}
			spec.At(schemas(doc), "Repository", "properties")["history"] = spec.Object{"$ref": "#/components/schemas/RepositoryState"}
		}, "the type of RepositoryState is now configs.RepositoryState2"},
		{"2026-08 a family appears", func(doc spec.Object) {
			spec.At(doc, "paths")["/experiments-api/v1/universes/{u}/experiments"] = spec.Object{"get": spec.Object{
				"operationId": "PublicExperimentation_ListExperiments", "security": []any{spec.Object{"roblox-oauth2": []any{}}},
				"parameters": []any{spec.Object{"name": "u", "in": "path", "required": true, "schema": spec.Object{"type": "string"}}},
				"responses":  spec.Object{"200": spec.Object{"description": "", "content": spec.Object{"text/json": spec.Object{"schema": spec.Object{"$ref": "#/components/schemas/Owner"}}}}},
			}}
		}, "is now experiments.ListExperiments, in a family made of its path"},
		{"2026-08 values come and go", func(doc spec.Object) {
			spec.At(schemas(doc), "Repository", "properties", "state")["enum"] = []any{"ON", "PAUSED"}
			schemas(doc)["Kind"] = spec.Object{"type": "integer", "enum": []any{2, 1, 0}}
			delete(spec.At(parameter(doc, searchPath, 2), "schema"), "enum")
		}, ""},
		{"2026-08 fields and parameters come and go", func(doc spec.Object) {
			props := spec.At(schemas(doc), "Entry", "properties")
			delete(props, "updated")
			props["added"] = spec.Object{"type": "boolean"}
			search := operation(doc, searchPath, "get")
			search["parameters"] = append(spec.List(search, "parameters")[:3], spec.Object{"name": "deep", "in": "query", "required": true, "schema": spec.Object{"type": "boolean"}})
		}, "configs.Entry.updated is not in the document any more and stays, deprecated"},
		{"2026-08 what was required is not, and the other way around", func(doc spec.Object) {
			parameter(doc, searchPath, 1)["required"] = false
			parameter(doc, searchPath, 2)["required"] = true
			schemas(doc)["UpdateEntryRequest"].(spec.Object)["required"] = []any{"note"}
		}, "?kind is required: false in the document, and stays an argument as it was"},
		{"2026-08 a method without parameters gains one", func(doc spec.Object) {
			op := operation(doc, repositoryPath, "get")
			op["parameters"] = append(spec.List(op, "parameters"), spec.Object{"name": "view", "in": "query", "schema": spec.Object{"type": "string"}})
		}, "?view is new, and left out: its method has no parameters"},
		{"2026-08 a key may not call any more", func(doc spec.Object) {
			operation(doc, repositoryPath, "get")["security"] = []any{spec.Object{"roblox-legacy-cookie": []any{}}}
		}, "GET " + repositoryPath + " is not in the document any more"},
		{"2026-08 a schema moves into the operation, and out", func(doc spec.Object) {
			content := spec.At(operation(doc, repositoryPath, "get"), "responses", "200", "content", "application/json")
			content["schema"] = spec.Clone(schemas(doc)["Repository"])
			delete(schemas(doc), "Repository")
			props := spec.At(content["schema"].(spec.Object), "properties")
			schemas(doc)["StateEnum"] = props["state"]
			props["state"] = spec.Object{"$ref": "#/components/schemas/StateEnum"}
		}, ""},
		{"2026-08 what is sent and answered gains fields of the server's", func(doc spec.Object) {
			spec.At(schemas(doc), "Label", "properties")["createTime"] = spec.Object{"type": "string", "format": "date-time", "readOnly": true}
			spec.At(schemas(doc), "Look", "properties")["size"] = spec.Object{"type": "integer", "format": "int32"}
		}, ""},
		{"2026-08 an operation gains a body and an answer, and one loses them", func(doc spec.Object) {
			remove := operation(doc, entryPath, "delete")
			remove["requestBody"] = spec.Object{"content": spec.Object{"application/json": spec.Object{"schema": spec.Object{"$ref": "#/components/schemas/Owner"}}}}
			remove["responses"] = spec.Clone(operation(doc, repositoryPath, "get")["responses"])
			create := operation(doc, "/configs-api/v1/universes/{universeId}/labels", "post")
			delete(create, "requestBody")
			create["responses"] = spec.Object{"204": spec.Object{"description": ""}}
		}, "DELETE " + entryPath + " has a request body now"},
		{"2026-08 a schema in a list in an answer without a name gains a prefix", func(doc spec.Object) {
			rename(doc, map[string]string{"Hit": "Configs.V1.Hit"})
		}, "the schema Configs.V1.Hit is what configs.Hit was before"},
		{"2026-08 a schema and an operation are called as an iterator is", func(doc spec.Object) {
			schemas(doc)["Search"] = spec.Object{"type": "object", "properties": spec.Object{"words": spec.Object{"type": "string"}}}
			spec.At(schemas(doc), "Repository", "properties")["search"] = spec.Object{"$ref": "#/components/schemas/Search"}
			spec.At(doc, "paths")[repositoryPath+"/search"] = spec.Object{"post": spec.Object{
				"operationId": "ConfigsApi_Search", "security": []any{spec.Object{"roblox-api-key": []any{}}},
				"parameters": spec.Clone(spec.List(operation(doc, repositoryPath, "get"), "parameters")[:2]),
				"responses":  spec.Object{"200": spec.Object{"description": "", "content": spec.Object{"application/json": spec.Object{"schema": spec.Object{"$ref": "#/components/schemas/Search"}}}}},
			}}
		}, "is now configs.Search2"},
		{"2026-09 what is the same in Go is spelled in another way", func(doc spec.Object) {
			move(spec.At(schemas(doc), "Owner", "properties"), "userId", "user_id")
			move(spec.At(schemas(doc), "Repository", "properties"), "owner", "Owner")
			move(spec.At(schemas(doc), "SearchPage", "properties"), "nextPageToken", "next_page_token")
			move(spec.At(schemas(doc), "UpdateEntryRequest", "properties"), "value", "Value")
			schemas(doc)["UpdateEntryRequest"].(spec.Object)["required"] = []any{"Value"}
			parameter(doc, searchPath, 1)["name"] = "Kind"
			parameter(doc, searchPath, 3)["name"] = "page_token"
			spec.At(schemas(doc), "Repository", "properties", "state")["enum"] = []any{"On", "Off"}
		}, ""},
		{"2026-09 a shared schema falls apart where services collide", func(doc spec.Object) {
			schemas(doc)["Another.Repository"] = spec.Clone(schemas(doc)["Repository"])
			spec.At(operation(doc, repositoryPath, "get"), "responses", "200", "content", "application/json")["schema"] = ref("Another.Repository")
			spec.At(doc, "paths")["/configs-api/v1/repository"] = call("ConfigsApi_GetOnlyRepository", ref("Repository"))
		}, ""},
		{"2026-09 a schema loses its fields", func(doc spec.Object) {
			schemas(doc)["Owner"] = spec.Object{"type": "object"}
		}, "configs.Owner.name is not in the document any more and stays, deprecated"},
		{"2026-09 numbers list no values any more", func(doc spec.Object) {
			spec.At(schemas(doc), "Repository", "properties")["kind"] = spec.Object{"type": "integer", "format": "int32"}
		}, ""},
		{"2026-09 work can be canceled", func(doc spec.Object) {
			schemas(doc)["Operation"] = spec.Object{"type": "object", "properties": spec.Object{"path": spec.Object{"type": "string"}, "done": spec.Object{"type": "boolean"}}}
			for path, verb := range map[string]string{"/configs-api/v1/operations/{operationId}": "get", "/configs-api/v1/operations/{operationId}:cancel": "post"} {
				o := call("", ref("Operation"), required("operationId", "path"))
				spec.At(doc, "paths")[path] = spec.Object{verb: o["get"]}
			}
		}, ""},
		{"2026-09 limits of a day and of no known period", func(doc spec.Object) {
			for path, period := range map[string]string{"/configs-api/v1/a": "DAY", "/configs-api/v1/b": "FORTNIGHT"} {
				item := call("", ref("Owner"))
				spec.At(item, "get")["x-roblox-rate-limits"] = spec.Object{"perApiKeyOwner": spec.Object{"period": period, "maxInPeriod": 3}}
				spec.At(doc, "paths")[path] = item
			}
		}, ""},
		{"2026-09 parameters are called as what is around them", func(doc spec.Object) {
			item := call("ConfigsApi_ListThings", ref("SearchPage"), required("default", "path"), required("page", "path"),
				required("query", "query"), required("token", "query"), required("2nd", "query"), required("-", "query"))
			op := spec.At(item, "get")
			op["parameters"] = append(spec.List(op, "parameters"), spec.Object{"name": "pageToken", "in": "query", "schema": spec.Object{"type": "string"}})
			spec.At(doc, "paths")["/configs-api/v1/things/{default}/{page}"] = item
			post := spec.Clone(operation(doc, "/configs-api/v1/universes/{universeId}/labels", "post"))
			post["parameters"] = []any{required("label", "path")}
			post["operationId"] = "ConfigsApi_CreateCopy"
			spec.At(doc, "paths")["/configs-api/v1/labels/{label}"] = spec.Object{"post": post}
		}, ""},
		{"2026-09 an answer of no success is described", func(doc spec.Object) {
			for path, status := range map[string]string{"/configs-api/v1/c": "default", "/configs-api/v1/d": "302"} {
				item := call("", ref("Owner"))
				move(spec.At(item, "get", "responses"), "200", status)
				spec.At(doc, "paths")[path] = item
			}
		}, ""},
		{"2026-09 values are alike, or have no letter", func(doc spec.Object) {
			spec.At(schemas(doc), "Repository", "properties", "state")["enum"] = []any{"", "+", "-", "on", "on", "ON", "OFF", "é"}
			schemas(doc)["Kind"] = spec.Object{"type": "integer", "enum": []any{-1, 0, 1}}
			schemas(doc)["RepositoryStateOff"] = spec.Object{"type": "object", "properties": spec.Object{"since": spec.Object{"type": "string"}}}
			spec.At(schemas(doc), "Repository", "properties")["off"] = ref("RepositoryStateOff")
		}, "the type of RepositoryStateOff is now configs.RepositoryStateOff2"},
		{"2026-09 types are called as what methods bring with them", func(doc spec.Object) {
			for _, name := range []string{"MethodGetRepository", "ListCopiesParams", "MethodListCopies", "ListOthersTarget"} {
				schemas(doc)[name] = spec.Object{"type": "object", "properties": spec.Object{"a": spec.Object{"type": "string"}}}
				spec.At(schemas(doc), "Repository", "properties")["p"+name] = ref(name)
			}
			copies := call("ConfigsApi_ListCopies", ref("SearchPage"))
			spec.At(copies, "get")["parameters"] = []any{spec.Object{"name": "pageToken", "in": "query", "schema": spec.Object{"type": "string"}}}
			spec.At(doc, "paths")["/configs-api/v1/zcopies"] = copies
			spec.At(doc, "paths")["/configs-api/v1/zothers/{a}/{b}/{d}/{e}"] = call("ConfigsApi_ListOthers", ref("Owner"),
				required("a", "path"), required("b", "path"), required("d", "path"), required("e", "path"))
		}, ""},
		{"2026-09 operations that no method can express", func(doc spec.Object) {
			text := spec.Object{"type": "string"}
			body := func(kind string, schema spec.Object) spec.Object {
				return spec.Object{"content": spec.Object{kind: spec.Object{"schema": schema}}}
			}
			for path, change := range map[string]func(op spec.Object){
				"/configs-api/v1/e/form": func(op spec.Object) {
					op["requestBody"] = body("application/x-www-form-urlencoded", spec.Object{"type": "object", "properties": spec.Object{"n": spec.Object{"type": "integer"}}})
				},
				"/configs-api/v1/e/mask": func(op spec.Object) { op["parameters"] = []any{required("updateMask", "query")} },
				"/configs-api/v1/e/list": func(op spec.Object) {
					op["parameters"] = []any{required("updateMask", "query")}
					op["requestBody"] = body("application/json", spec.Object{"type": "array", "items": ref("Owner")})
				},
				"/configs-api/v1/e/twice/{id}": func(op spec.Object) { op["parameters"] = []any{required("id", "path"), required("id", "query")} },
				"/configs-api/v1/e/alike": func(op spec.Object) {
					op["parameters"] = []any{spec.Object{"name": "filter", "in": "query", "schema": text}, spec.Object{"name": "$filter", "in": "query", "schema": text}}
				},
				"/configs-api/v1/e/object": func(op spec.Object) {
					op["parameters"] = []any{spec.Object{"name": "where", "in": "query", "schema": spec.Object{"type": "object"}}}
				},
				"/configs-api/v1/e/header": func(op spec.Object) {
					op["parameters"] = []any{spec.Object{"name": "x-all", "in": "header", "schema": spec.Object{"type": "array", "items": text}}}
				},
				"/configs-api/v1/e/value": func(op spec.Object) {
					spec.At(op, "responses", "200")["headers"] = spec.Object{"value": spec.Object{"schema": text}}
				},
			} {
				op := spec.At(call("", ref("Owner")), "get")
				change(op)
				spec.At(doc, "paths")[path] = spec.Object{"patch": op}
			}
		}, ""},
		{"OpenAPI 3.1", func(doc spec.Object) {
			doc["openapi"] = "3.1.0"
			doc["jsonSchemaDialect"] = "https://json-schema.org/draft/2020-12/schema"
			props := spec.At(schemas(doc), "Repository", "properties")
			props["id"] = spec.Object{"type": []any{"string", "null"}, "examples": []any{"a"}}
			props["owner"] = spec.Object{"oneOf": []any{spec.Object{"$ref": "#/components/schemas/Owner"}, spec.Object{"type": "null"}}}
			spec.At(schemas(doc), "Entry")["type"] = []any{"object", "null"}
			spec.At(schemas(doc), "Entry")["unevaluatedProperties"] = false
		}, ""},
	}
}

// history is one module's tree that documents are imported into.
type history struct {
	t   *testing.T
	dir string
}

func (h history) run(args ...string) (stderr string) {
	h.t.Helper()
	var out, errs bytes.Buffer
	if status := Main(append([]string{"--dir", h.dir}, args...), &out, &errs); status != 0 {
		h.t.Fatalf("rblxgen %v: %s", args, errs.String())
	}
	return errs.String()
}

// update imports a document and generates.
func (h history) update(doc spec.Object) (says string) {
	h.t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		h.t.Fatal(err)
	}
	file := filepath.Join(h.t.TempDir(), "openapi-2026-09-01.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		h.t.Fatal(err)
	}
	says = h.run("import", file)
	h.run("generate")
	return says
}

func (h history) surface() apidiff.Surface {
	h.t.Helper()
	files, err := goFiles(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := apidiff.Parse(files)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// unbroken makes sure that nothing that users of the base have is gone or
// different.
func unbroken(t *testing.T, base, now apidiff.Surface) {
	t.Helper()
	for _, c := range apidiff.Diff(base, now) {
		if c.Kind == apidiff.Removed || c.Kind == apidiff.Changed {
			t.Errorf("%+v", c)
		}
	}
}

func baseDocument(t *testing.T) spec.Object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "history", "base.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spec.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	spec.Visit(doc, func(o spec.Object) { delete(o, "x-rblx-order") })
	return doc
}

// Every state of the document, coming after the base, after all others, and
// before the base again, leaves the code of the base's users alone.
func TestHistoryBreaksNobody(t *testing.T) {
	t.Parallel()
	packages := map[string]map[string][]byte{}
	origin := history{t, t.TempDir()}
	origin.update(baseDocument(t))
	start := func(t *testing.T) (history, apidiff.Surface) {
		h := history{t, t.TempDir()}
		if err := os.CopyFS(h.dir, os.DirFS(origin.dir)); err != nil {
			t.Fatal(err)
		}
		return h, h.surface()
	}
	all, base := start(t)
	if len(base) < 40 {
		t.Fatalf("the base has %d names", len(base))
	}
	for i, s := range states() { //nolint:paralleltest // each comes after those before it
		t.Run(s.name, func(t *testing.T) {
			doc := baseDocument(t)
			s.change(doc)
			h, base := start(t)
			says := h.update(doc)
			if !strings.Contains(says, s.says) {
				t.Errorf("the import says %q, want %q", says, s.says)
			}
			unbroken(t, base, h.surface())
			files, err := goFiles(h.dir)
			if err != nil {
				t.Fatal(err)
			}
			onlyAPI(files)
			packages[fmt.Sprintf("s%02d", i)] = files
			h.update(baseDocument(t)) // what vanished comes back
			unbroken(t, base, h.surface())

			all.t = t
			all.update(doc)
			unbroken(t, base, all.surface())
		})
	}
	files, err := goFiles(all.dir)
	if err != nil {
		t.Fatal(err)
	}
	onlyAPI(files)
	packages["all"] = files
	compile(t, packages)
}

// A document without a third of the operations, in which all paths, parameters
// and schemas have other names, and new ones come up, breaks nothing of the
// module itself: clients, what is written by hand beside them, emulator, tools.
func TestUpdateBuildsTheModule(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	h := history{t, t.TempDir()}
	for _, name := range []string{"opencloud.yaml", "overlay.yaml", "names.yaml", "oauth.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "openapi", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(h.dir, "openapi"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.dir, "openapi", name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := spec.Read(filepath.Join(root, "openapi", "opencloud.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	delete(doc, "x-rblx-families")
	names := map[string]string{}
	for _, name := range spec.Keys(spec.At(doc, "components", "schemas")) {
		names[name] = "Another.Service." + name
	}
	rename(doc, names)
	paths, dropped := spec.At(doc, "paths"), 0
	for i, op := range spec.Operations(doc) {
		delete(op.Object, "operationId")
		for _, e := range spec.List(op.Object, "parameters") {
			if p, _ := e.(spec.Object); p["in"] == "path" {
				p["name"] = "the_" + spec.Text(p, "name")
			}
		}
		if i%3 == 0 {
			delete(spec.At(paths, op.Path), strings.ToLower(op.Verb))
			dropped++
		}
	}
	for _, path := range spec.Keys(paths) {
		move(paths, path, strings.ReplaceAll(path, "{", "{the_")+"#suffix")
	}
	paths["/brand-new-api/v1/things"] = spec.Object{"get": spec.Object{"security": []any{spec.Object{"roblox-api-key": []any{}}},
		"responses": spec.Object{"200": spec.Object{"description": "", "content": spec.Object{"application/json": spec.Object{"schema": spec.Object{"type": "string"}}}}}}}
	says := h.update(doc)
	if got := strings.Count(says, "is not in the document any more and stays"); got < dropped {
		t.Errorf("%d things stay, but %d operations were dropped", got, dropped)
	}
	before, err := goFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	generated := filesBelow(t, h.dir)
	for name := range before {
		if strings.HasSuffix(name, ".gen.go") {
			delete(before, name)
		}
	}
	for name, text := range generated {
		if strings.HasPrefix(name, "api/") || strings.HasPrefix(name, "mocks/") {
			before[name] = text // beside what is written by hand
		}
	}
	now, err := apidiff.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	unbroken(t, history{t, root}.surface(), now)
	build(t, root, generated, "./...")
}

// filesBelow reads all Go files below a directory.
func filesBelow(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".go" {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// compile builds a user's program against every package, as if they stood in
// the module.
func compile(t *testing.T, packages map[string]map[string][]byte) {
	t.Helper()
	user, err := os.ReadFile(filepath.Join("testdata", "history", "user.txt"))
	if err != nil {
		t.Fatal(err)
	}
	const below = "internal/history/"
	files := map[string][]byte{}
	for name, generated := range packages {
		files[below+name+"/user/user.go"] = bytes.ReplaceAll(user, []byte("CONFIGS"), []byte("github.com/rblx-go/opencloud/"+below+name+"/configs"))
		for file, content := range generated {
			if family := path.Base(path.Dir(file)); family != "api" {
				files[below+name+"/"+family+"/"+family+".go"] = content
			}
		}
	}
	build(t, moduleRoot(t), files, "./"+below+"...")
}

// build builds packages of the module as if the files stood in it.
func build(t *testing.T, root string, files map[string][]byte, packages string) {
	t.Helper()
	replace, dir := map[string]string{}, t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		standIn := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(standIn, files[name], 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = standIn
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, packages)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
