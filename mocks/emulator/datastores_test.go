package emulator_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const stores = "/cloud/v2/universes/8801/data-stores"

func TestEntryLife(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := stores + "/PlayerData/entries"
	want(t, a.key("GET", at+"/user_1", ""), 404, "")
	created := a.key("POST", at+"?id=user_1", `{"value":{"coins":5},"users":["users/156"],"attributes":{"tier":"gold"}}`)
	want(t, created, 200, "")
	if mustJSON(created.body["value"]) != `{"coins":5}` || mustJSON(created.body["users"]) != `["users/156"]` ||
		mustJSON(created.body["attributes"]) != `{"tier":"gold"}` || created.body["state"] != "ACTIVE" ||
		created.body["path"] != "universes/8801/data-stores/PlayerData/entries/user_1" || member(created, "etag") == "" {
		t.Errorf("created %s", created.text)
	}
	want(t, a.key("POST", at+"?id=user_1", `{"value":1}`), 409, "")
	if got := a.key("GET", at+"/user_1", ""); got.text != created.text {
		t.Errorf("read\n%s\nwrote\n%s", got.text, created.text)
	}

	updated := a.key("PATCH", at+"/user_1", `{"value":[1],"etag":"`+member(created, "etag")+`"}`)
	want(t, updated, 200, "")
	if mustJSON(updated.body["attributes"]) != "{}" || mustJSON(updated.body["users"]) != "[]" || updated.body["createTime"] != created.body["createTime"] ||
		updated.body["revisionId"] == created.body["revisionId"] {
		t.Errorf("updated %s", updated.text)
	}
	stale := a.key("PATCH", at+"/user_1", `{"value":2,"etag":"`+member(created, "etag")+`"}`)
	if stale.StatusCode != 409 || stale.body["code"] != "ABORTED" {
		t.Errorf("a stale etag: %d %s", stale.StatusCode, stale.text)
	}
	want(t, a.key("PATCH", at+"/nobody", `{"value":1}`), 404, "")
	want(t, a.key("PATCH", at+"/nobody?allowMissing=true", `{"value":null}`), 200, "")
	for _, bad := range []string{"", "[", "{}", `{"value":1,"users":["156"]}`, `{"value":1,"attributes":[]}`} {
		want(t, a.key("PATCH", at+"/user_1", bad), 400, "")
	}

	revisions, _ := a.pages(at+"/user_1:listRevisions?maxPageSize=1", "dataStoreEntries")
	if len(revisions) != 2 || revisions[1].(map[string]any)["id"] != "user_1@"+member(created, "revisionId") {
		t.Errorf("revisions %v", revisions)
	}
	old := a.key("GET", at+"/user_1@"+member(created, "revisionId"), "")
	if mustJSON(old.body["value"]) != `{"coins":5}` {
		t.Errorf("the old revision: %s", old.text)
	}
	for id, status := range map[string]int{"user_1@latest": 200, "user_1%40latest": 200, "user_1@latest:2020-01-01T00:00:00Z": 404, "user_1@x": 404,
		"user_1@latest:" + url.PathEscape(member(created, "revisionCreateTime")): 200} {
		want(t, a.key("GET", at+"/"+id, ""), status, "")
	}

	if got := a.key("DELETE", at+"/user_1", ""); got.StatusCode != 200 || got.text != "{}" {
		t.Errorf("delete: %d %s", got.StatusCode, got.text)
	}
	want(t, a.key("GET", at+"/user_1", ""), 404, "")
	want(t, a.key("DELETE", at+"/user_1", ""), 404, "")
	want(t, a.key("GET", at+"/user_1@"+member(created, "revisionId"), ""), 200, "")
	shown, _ := a.pages(at+"?showDeleted=true", "dataStoreEntries")
	active, _ := a.pages(at+"?x=", "dataStoreEntries")
	if len(shown) != 2 || len(active) != 1 {
		t.Errorf("%d with the deleted ones, %d without; want 2 and 1", len(shown), len(active))
	}
	want(t, a.key("POST", at+"?id=user_1", `{"value":1}`), 200, "") // a deleted entry may be created anew
}

// Every id arrives as it is when it is escaped, and nothing else is hit.
func TestEntryIDs(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, id := range []string{"a/b", "a?b", "a#b", "a%b", "a+b", "a b", "ключ", "..", ".", "x:increment", "a@b", `we"ird`, "%2F"} {
		at := stores + "/" + url.PathEscape("My/Store")
		if got := a.key("POST", at+"/entries?id="+url.QueryEscape(id), `{"value":"`+url.QueryEscape(id)+`"}`); got.StatusCode != 200 || got.body["id"] != id {
			t.Errorf("create %q: %d %s", id, got.StatusCode, got.text)
		}
		escaped := strings.NewReplacer(":", "%3A", "@", "%40", ".", "%2E").Replace(url.PathEscape(id))
		got := a.key("GET", at+"/entries/"+escaped, "")
		if got.StatusCode != 200 || got.body["value"] != url.QueryEscape(id) {
			t.Errorf("get %q: %d %s", id, got.StatusCode, got.text)
		}
	}
	want(t, a.key("POST", stores+"/S/entries", `{"value":1}`), 400, "")
	want(t, a.key("POST", stores+"/S/entries?id="+strings.Repeat("x", 51), `{"value":1}`), 400, "")
	want(t, a.key("POST", "/cloud/v2/universes/1/data-stores/S/entries?id=x", `{"value":1}`), 404, "")
	want(t, a.key("GET", stores+"/S/entries/", ""), 404, "")
}

func TestScopes(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := stores + "/S"
	want(t, a.key("POST", at+"/entries?id=k", `{"value":"global"}`), 200, "")
	want(t, a.key("POST", at+"/scopes/season%2F2/entries?id=k", `{"value":"season"}`), 200, "")
	for path, value := range map[string]string{"/entries/k": "global", "/scopes/global/entries/k": "global", "/scopes/season%2F2/entries/k": "season"} {
		if got := a.key("GET", at+path, ""); got.body["value"] != value {
			t.Errorf("%s: %s", path, got.text)
		}
	}
	ids := func(path string) (ids []string) {
		items, _ := a.pages(at+path, "dataStoreEntries")
		for _, item := range items {
			ids = append(ids, item.(map[string]any)["id"].(string))
		}
		return ids
	}
	for path, list := range map[string][]string{
		"/entries?x=":           {"k"},
		"/scopes/-/entries?x=1": {"global/k", "season/2/k"},
		"/scopes/-/entries?filter=" + url.QueryEscape(`id.startsWith("global/")`): {"global/k"},
		"/entries?filter=" + url.QueryEscape(`id.startsWith('x')`):                nil,
	} {
		if diff := cmp.Diff(list, ids(path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	want(t, a.key("GET", at+"/entries?filter=id", ""), 400, "")
	want(t, a.key("POST", at+"/scopes/-/entries?id=k", `{"value":1}`), 400, "")
}

func TestIncrement(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := stores + "/S/entries/"
	for i, sum := range []float64{5, 3} {
		got := a.key("POST", at+"n:increment", []string{`{"amount":5}`, `{"amount":-2,"users":["users/156"]}`}[i])
		if got.body["value"] != sum {
			t.Errorf("increment: %s, want %v", got.text, sum)
		}
	}
	want(t, a.key("POST", stores+"/S/entries?id=text", `{"value":"x"}`), 200, "")
	want(t, a.key("POST", at+"text:increment", `{"amount":1}`), 400, "")
	want(t, a.key("POST", at+"n:increment", `{"amount":0.5}`), 400, "")
	want(t, a.key("POST", at+"n:increment", `{}`), 400, "")
}

func TestStores(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, name := range []string{"b", "a", "c"} {
		want(t, a.key("POST", stores+"/"+name+"/entries?id=x", `{"value":1}`), 200, "")
	}
	if list, sizes := a.pages(stores+"?maxPageSize=2", "dataStores"); len(list) != 3 || !cmp.Equal(sizes, []int{2, 1}) || list[0].(map[string]any)["id"] != "a" {
		t.Errorf("stores %v", list)
	}
	gone := a.key("DELETE", stores+"/a", "")
	if gone.body["state"] != "DELETED" || gone.body["expireTime"] == nil {
		t.Errorf("delete: %s", gone.text)
	}
	want(t, a.key("DELETE", stores+"/a", ""), 404, "")
	want(t, a.key("GET", stores+"/a/entries/x", ""), 404, "")
	if list, _ := a.pages(stores+"?x=", "dataStores"); len(list) != 2 {
		t.Errorf("%d stores, want 2", len(list))
	}
	if list, _ := a.pages(stores+"?showDeleted=true", "dataStores"); len(list) != 3 {
		t.Errorf("%d stores with the deleted one, want 3", len(list))
	}
	want(t, a.key("POST", stores+"/a:undelete", "{}"), 200, "")
	want(t, a.key("GET", stores+"/a/entries/x", ""), 200, "")
	want(t, a.key("POST", stores+"/z:undelete", "{}"), 404, "")
	want(t, a.key("GET", "/cloud/v2/universes/1/data-stores", ""), 404, "")

	for _, fresh := range []bool{true, false} {
		if got := a.key("POST", stores+":snapshot", "{}"); got.body["newSnapshotTaken"] != fresh {
			t.Errorf("snapshot: %s", got.text)
		}
	}
}

func TestV1Entries(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := "/datastores/v1/universes/8801/standard-datastores"
	entry := at + "/datastore/entries/entry?datastoreName=S&entryKey=k"
	set := func(query, body string, header ...string) answer {
		return a.send(a.request("POST", entry+query, body, append([]string{"X-Api-Key", a.APIKey()}, header...)...))
	}
	want(t, set("", `{"a":1}`, "Content-Md5", "bm90IHRoZSBkaWdlc3Q="), 400, "INVALID_ARGUMENT")
	first := set("", `{"a":1}`, "Roblox-Entry-Attributes", `{"t":1}`, "Roblox-Entry-Userids", "[156]", "Content-Md5", "u2y1xo30ZSlByvZSo2by2A==")
	want(t, first, 200, "")
	got := a.key("GET", entry, "")
	if got.text != `{"a":1}` || got.Header.Get("Roblox-Entry-Attributes") != `{"t":1}` || got.Header.Get("Roblox-Entry-Userids") != "[156]" ||
		got.Header.Get("Roblox-Entry-Version") != member(first, "version") || got.Header.Get("Content-Md5") == "" {
		t.Errorf("get: %s %v", got.text, got.Header)
	}
	if v2 := a.key("GET", stores+"/S/entries/k", ""); mustJSON(v2.body["users"]) != `["users/156"]` {
		t.Errorf("seen through v2: %s", v2.text)
	}
	for query, status := range map[string]int{"&exclusiveCreate=True": 412, "&matchVersion=x": 412} {
		if got := set(query, "2"); got.StatusCode != status || got.text != `{"a":1}` {
			t.Errorf("%s: %d %s", query, got.StatusCode, got.text)
		}
	}
	want(t, set("&matchVersion="+member(first, "version")+"&exclusiveCreate=False", "2"), 200, "")
	want(t, set("", "{"), 400, "")
	want(t, set("", "1", "Roblox-Entry-Attributes", "x"), 400, "")
	want(t, set("", "1", "Roblox-Entry-Userids", "x"), 400, "")

	if versions := a.key("GET", at+"/datastore/entries/entry/versions?datastoreName=S&entryKey=k&sortOrder=Descending", ""); len(versions.body["versions"].([]any)) != 2 {
		t.Errorf("versions: %s", versions.text)
	}
	if old := a.key("GET", at+"/datastore/entries/entry/versions/version?datastoreName=S&entryKey=k&versionId="+member(first, "version"), ""); old.text != `{"a":1}` {
		t.Errorf("version: %s", old.text)
	}
	increment := at + "/datastore/entries/entry/increment?datastoreName=S&entryKey=n&incrementBy=4"
	if got := a.key("POST", increment, ""); got.text != "4" || got.Header.Get("Roblox-Entry-Version") == "" {
		t.Errorf("increment: %s %v", got.text, got.Header)
	}
	for query, n := range map[string]int{"": 2, "&prefix=n": 1, "&scope=other": 0, "&scope=other&allScopes=True": 2} {
		if list := a.key("GET", at+"/datastore/entries?datastoreName=S"+query, ""); len(list.body["keys"].([]any)) != n {
			t.Errorf("list %s: %s", query, list.text)
		}
	}
	if list := a.key("GET", at, ""); len(list.body["datastores"].([]any)) != 1 {
		t.Errorf("stores: %s", list.text)
	}
	if got := a.key("DELETE", entry, ""); got.StatusCode != 204 || got.text != "" {
		t.Errorf("delete: %d %q", got.StatusCode, got.text)
	}
	want(t, a.key("GET", entry, ""), 404, "NOT_FOUND")
}

func TestOrdered(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at, list, missing, entries, path string
		exists                           int
	}{
		"v1": {
			"/ordered-data-stores/v1/universes/8801/orderedDataStores/Score/scopes/global/entries",
			"order_by=desc&max_page_size=2", "allow_missing=True", "entries",
			"universes/8801/orderedDataStores/Score/scopes/global/entries/a", 409,
		},
		"v2": {
			"/cloud/v2/universes/8801/ordered-data-stores/Score/scopes/global/entries",
			"orderBy=value+desc&maxPageSize=2", "allowMissing=true", "orderedDataStoreEntries",
			"universes/8801/ordered-data-stores/Score/scopes/global/entries/a", 400,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			for id, body := range map[string]string{"a": `{"value":1}`, "b": `{"value":9}`, "c": `{"value":5}`} {
				want(t, a.key("POST", tc.at+"?id="+id, body), 200, "")
			}
			want(t, a.key("POST", tc.at+"?id=a", `{"value":1}`), tc.exists, "")
			list := a.key("GET", tc.at+"?"+tc.list+"&filter=", "")
			if list.body[tc.entries].([]any)[0].(map[string]any)["id"] != "b" || list.body["nextPageToken"] == "" {
				t.Errorf("list %s", list.text)
			}
			if got := a.key("POST", tc.at+"/a:increment", `{"amount":3}`); got.body["value"] != 4.0 || got.body["path"] != tc.path {
				t.Errorf("increment %s", got.text)
			}
			want(t, a.key("PATCH", tc.at+"/z", `{"value":1}`), 404, "")
			want(t, a.key("PATCH", tc.at+"/z?"+tc.missing, `{"value":1}`), 200, "")
			want(t, a.key("PATCH", tc.at+"/z", `{"value":-1}`), 400, "")
			want(t, a.key("PATCH", tc.at+"/z", `{"value":"x"}`), 400, "")
			want(t, a.key("DELETE", tc.at+"/z", ""), 200, "")
			want(t, a.key("GET", tc.at+"/z", ""), 404, "")
			want(t, a.key("GET", tc.at+"/a", ""), 200, "")
		})
	}
}

func TestOrderedFilter(t *testing.T) {
	t.Parallel()
	a := start(t)
	at := "/cloud/v2/universes/8801/ordered-data-stores/Score/scopes/global/entries"
	for id, body := range map[string]string{"a": `{"value":1}`, "b": `{"value":9}`, "c": `{"value":5}`} {
		want(t, a.key("POST", at+"?id="+id, body), 200, "")
	}
	for filter, ids := range map[string]string{
		"entry >= 5": "cb", "entry <= 5": "ac", "entry >= 2 && entry <= 8": "c", "entry >= 10": "", "": "acb",
		"entry >= 2 && entry >= 6": "b", "entry <= 6 && entry <= 3": "a",
	} {
		var got strings.Builder
		for _, entry := range a.key("GET", at+"?filter="+url.QueryEscape(filter), "").body["orderedDataStoreEntries"].([]any) {
			got.WriteString(entry.(map[string]any)["id"].(string))
		}
		if got.String() != ids {
			t.Errorf("%s yields %s, want %s", filter, got.String(), ids)
		}
	}
	for _, filter := range []string{"entry>=5", "value >= 5", "entry >= 5 || entry <= 1", "entry >= 99999999999999999999"} {
		want(t, a.key("GET", at+"?filter="+url.QueryEscape(filter), ""), 400, "")
	}
}
