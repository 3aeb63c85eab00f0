package cli

import "github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"

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
