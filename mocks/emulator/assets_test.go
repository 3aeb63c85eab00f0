package emulator_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

const newImage = `{"assetType":"Image","displayName":"Lantern","description":"It glows.","creationContext":{"creator":{"userId":156}}}`

// multipartBody encodes parts: "name", "content type" and content, one after the other.
func multipartBody(t *testing.T, parts ...string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 3 {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + parts[i] + `"`}}
		if parts[i+1] != "" {
			h["Content-Disposition"][0] += `; filename="lantern.png"`
			h["Content-Type"] = []string{parts[i+1]}
		}
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(parts[i+2])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

// upload sends parts with the API key, or with an access token.
func (a *app) upload(t *testing.T, token any, method, path string, parts ...string) answer {
	t.Helper()
	contentType, body := multipartBody(t, parts...)
	header := []string{"X-Api-Key", a.APIKey()}
	if token != nil {
		header = []string{"Authorization", "Bearer " + token.(string)}
	}
	return a.send(a.request(method, path, body, append(header, "Content-Type", contentType)...))
}

func TestAssets(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := a.signIn("scope", "openid asset:read asset:write legacy-asset:manage").body["access_token"]
	created := a.upload(t, token, "POST", "/assets/v1/assets", "request", "application/json", newImage, "fileContent", "image/png", "first")
	want(t, created, 200, "")
	if created.body["done"] != false {
		t.Errorf("an upload is done at once: %s", created.text)
	}
	operation := a.bearer(token, "GET", "/assets/v1/"+created.body["path"].(string), "")
	want(t, operation, 200, "")
	asset, ok := operation.body["response"].(map[string]any)
	if !ok || operation.body["done"] != true || asset["assetId"] != "99001" || asset["assetType"] != "Image" || asset["revisionId"] != "1" || asset["state"] != "Active" {
		t.Fatalf("the operation says %s", operation.text)
	}

	update := `{"assetId":"99001","displayName":"Lamp","description":"not in the mask"}`
	want(t, a.upload(t, token, "PATCH", "/assets/v1/assets/99001?updateMask=displayName", "request", "application/json", update, "fileContent", "image/png", "second"), 200, "")
	got := a.bearer(token, "GET", "/assets/v1/assets/99001", "")
	if got.body["displayName"] != "Lamp" || got.body["description"] != "It glows." || got.body["revisionId"] != "2" {
		t.Errorf("after the update: %s", got.text)
	}
	want(t, a.upload(t, token, "PATCH", "/assets/v1/assets/99001?updateMask=description,icon", "request", "application/json", `{"assetId":99001,"description":null,"icon":"assets/1"}`), 200, "")
	if got := a.bearer(token, "GET", "/assets/v1/assets/99001", ""); got.body["description"] != "" || got.body["icon"] != "assets/1" || got.body["revisionId"] != "2" {
		t.Errorf("after the other update: %s", got.text)
	}
	list := a.bearer(token, "GET", "/assets/v1/assets/99001/versions", "")
	if newest := strings.Index(list.text, "versions/2"); newest < 0 || strings.Index(list.text, "versions/1") < newest {
		t.Errorf("versions: %s", list.text)
	}
	for _, back := range []func() answer{
		func() answer {
			return a.bearer(token, "POST", "/assets/v1/assets/99001/versions:rollback", `{"assetVersion":"assets/99001/versions/1"}`)
		},
		func() answer {
			return a.upload(t, token, "POST", "/assets/v1/assets/99001/versions:rollback", "assetVersion", "", "assets/99001/versions/2")
		},
	} {
		want(t, back(), 200, "")
	}
	if got := a.bearer(token, "GET", "/assets/v1/assets/99001/versions/4", ""); got.body["published"] != true {
		t.Errorf("the newest version: %s", got.text)
	}
	for version, content := range map[string]string{"": "second", "/version/1": "first", "/version/3": "first"} {
		location := a.bearer(token, "GET", "/asset-delivery-api/v1/assetId/99001"+version, "").body["location"].(string)
		if got := a.send(a.request("GET", strings.TrimPrefix(location, base), "")); got.text != content || got.Header.Get("Content-Type") != "image/png" {
			t.Errorf("%s has %q of type %s, want %q", location, got.text, got.Header.Get("Content-Type"), content)
		}
	}
	for verb, state := range map[string]string{"archive": "Archived", "restore": "Active"} {
		if got := a.bearer(token, "POST", "/assets/v1/assets/99001:"+verb, "{}"); got.body["state"] != state {
			t.Errorf("%s: %s", verb, got.text)
		}
	}

	all := a.Assets()
	if len(all) != 1 || len(all[0].Versions) != 4 || all[0].Creator != "users/156" || all[0].DisplayName != "Lamp" {
		t.Fatalf("%+v", all)
	}
	if v := all[0].Versions[3]; string(v.Content) != "second" || v.FileName != "lantern.png" || v.ContentType != "image/png" {
		t.Errorf("%+v", v)
	}
}

func TestAssetRefusals(t *testing.T) {
	t.Parallel()
	a := start(t)
	full := a.signIn("scope", "openid asset:read asset:write").body["access_token"]
	half := a.signIn("scope", "openid asset:write").body["access_token"]
	foreign := strings.Replace(newImage, `"userId":156`, `"userId":257`, 1)
	want(t, a.upload(t, nil, "POST", "/assets/v1/assets", "request", "application/json", foreign, "fileContent", "image/png", "x"), 200, "")
	for name, c := range map[string]struct {
		token  any
		status int
		parts  []string
	}{
		"a missing scope":      {half, 401, []string{"request", "application/json", newImage, "fileContent", "image/png", "x"}},
		"somebody else's":      {full, 403, []string{"request", "application/json", foreign, "fileContent", "image/png", "x"}},
		"a group not given":    {full, 403, []string{"request", "application/json", strings.Replace(newImage, `"userId":156`, `"groupId":"7002"`, 1), "fileContent", "image/png", "x"}},
		"two creators":         {full, 400, []string{"request", "application/json", strings.Replace(newImage, `"userId":156`, `"userId":156,"groupId":7001`, 1), "fileContent", "image/png", "x"}},
		"no creator":           {full, 400, []string{"request", "application/json", strings.Replace(newImage, `"userId":156`, ``, 1), "fileContent", "image/png", "x"}},
		"no file":              {full, 400, []string{"request", "application/json", newImage}},
		"an empty file":        {full, 400, []string{"request", "application/json", newImage, "fileContent", "image/png", ""}},
		"no content type":      {full, 400, []string{"request", "application/json", newImage, "fileContent", "", "x"}},
		"no description":       {full, 400, []string{"request", "application/json", strings.Replace(newImage, `"description":"It glows.",`, "", 1), "fileContent", "image/png", "x"}},
		"a long name":          {full, 400, []string{"request", "application/json", strings.Replace(newImage, "Lantern", strings.Repeat("é", 51), 1), "fileContent", "image/png", "x"}},
		"no JSON":              {full, 400, []string{"request", "application/json", "null", "fileContent", "image/png", "x"}},
		"a part of its own":    {full, 400, []string{"request", "application/json", newImage, "file", "image/png", "x"}},
		"a field of its own":   {full, 400, []string{"request", "application/json", strings.Replace(newImage, "{", `{"color":"red",`, 1), "fileContent", "image/png", "x"}},
		"a file that is large": {full, 400, []string{"request", "application/json", newImage, "fileContent", "image/png", strings.Repeat("x", 20<<20+1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want(t, a.upload(t, c.token, "POST", "/assets/v1/assets", c.parts...), c.status, "")
		})
	}
	for call, status := range map[string]int{
		"GET /assets/v1/assets/99001":                                                  403,
		"GET /assets/v1/assets/1":                                                      404,
		"GET /assets/v1/operations/1":                                                  404,
		"GET /assets/v1/operations/00000000-0000-4000-8000-000000000001":               403,
		"POST /assets/v1/assets/99001:archive":                                         403,
		"GET /asset-delivery-api/v1/assetId/99001":                                     401,
		"POST /assets/v1/assets":                                                       400,
		`POST /assets/v1/assets {"assetType":"Image"}`:                                 400,
		"GET /emulator/assets/99001/2":                                                 404,
		"GET /emulator/assets/1/1":                                                     404,
		`POST /assets/v1/assets/1/versions:rollback {"assetVersion":"a/1/versions/1"}`: 404,
	} {
		method, rest, _ := strings.Cut(call, " ")
		path, body, _ := strings.Cut(rest, " ")
		want(t, a.bearer(full, method, path, body), status, "")
	}
	for call, status := range map[string]int{
		"GET /assets/v1/assets/99001/versions/2":                                                    404,
		"GET /assets/v1/assets/99001/versions/0":                                                    404,
		"GET /assets/v1/assets/99001/versions?maxPageSize=51":                                       400,
		"GET /assets/v1/assets/99001/versions?pageToken=x":                                          400,
		`POST /assets/v1/assets/99001/versions:rollback {"assetVersion":"assets/99001/versions/2"}`: 404,
		`POST /assets/v1/assets/99001/versions:rollback {"assetVersion":"assets/99002/versions/1"}`: 400,
		"POST /assets/v1/assets/99001/versions:rollback":                                            400,
	} {
		method, rest, _ := strings.Cut(call, " ")
		path, body, _ := strings.Cut(rest, " ")
		want(t, a.key(method, path, body), status, "")
	}
	for path, request := range map[string]string{
		"99001?updateMask=displayName":    `{"assetId":99001}`,
		"99001?updateMask=assetType":      `{"assetId":99001,"assetType":"Model"}`,
		"99001?updateMask=description%20": `{"displayName":"x"}`,
	} {
		want(t, a.upload(t, nil, "PATCH", "/assets/v1/assets/"+path, "request", "application/json", request), 400, "")
	}
	if all := a.Assets(); len(all) != 1 || all[0].Type != "Image" || all[0].DisplayName != "Lantern" || len(all[0].Versions) != 1 {
		t.Errorf("what was refused has left %+v", all)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	a := start(t)
	publish := func(path, contentType, body string) answer {
		return a.send(a.request("POST", "/universes/v1/"+path, body, "X-Api-Key", a.APIKey(), "Content-Type", contentType))
	}
	const versions = "8801/places/88011/versions?versionType="
	for _, c := range []struct {
		kind, body string
		number     float64
	}{{"Saved", "one", 1}, {"Published", "two", 2}, {"Published", "two", 2}, {"Published", "one", 3}} {
		if got := publish(versions+c.kind, "application/octet-stream", c.body); got.StatusCode != http.StatusOK || got.body["versionNumber"] != c.number {
			t.Errorf("%s %s: %d %s", c.kind, c.body, got.StatusCode, got.text)
		}
	}
	p, ok := a.Place("88011")
	if !ok || len(p.Versions) != 3 || p.Versions[0].Published || !p.Versions[1].Published || string(p.Versions[2].Content) != "one" {
		t.Errorf("%+v, %v", p, ok)
	}
	if _, ok := a.Place("1"); ok {
		t.Error("there is a place 1")
	}
	for name, got := range map[string]answer{
		"another type":     publish(versions+"Draft", "application/octet-stream", "x"),
		"no file":          publish(versions+"Saved", "application/octet-stream", ""),
		"another content":  publish(versions+"Saved", "application/json", "{}"),
		"an unknown field": a.key("PATCH", "/cloud/v2/universes/8801/places/88011?updateMask=color", `{"color":1}`),
		"its root":         a.key("PATCH", "/cloud/v2/universes/8801/places/88011?updateMask=root", `{"root":false}`),
		"no name":          a.key("PATCH", "/cloud/v2/universes/8801/places/88011?updateMask=displayName", `{}`),
		"no servers":       a.key("PATCH", "/cloud/v2/universes/8801/places/88011?updateMask=serverSize", `{"serverSize":0}`),
	} {
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.text)
		}
	}
	want(t, a.key("GET", "/cloud/v2/universes/8802/places/88011", ""), 404, "")
	want(t, publish("8802/places/88011/versions?versionType=Saved", "application/octet-stream", "x"), 404, "")
	token := a.signIn("scope", "openid universe.place:write").body["access_token"]
	want(t, a.bearer(token, "POST", "/universes/v1/"+versions+"Saved", "x"), 401, "")
	want(t, a.bearer(token, "PATCH", "/cloud/v2/universes/8801/places/88011", `{"serverSize":12}`), 200, "")
	want(t, a.bearer(token, "PATCH", "/cloud/v2/universes/8803/places/88031", `{"serverSize":12}`), 403, "")
	if p, _ := a.Place("88011"); p.ServerSize != 12 {
		t.Errorf("serverSize is %d", p.ServerSize)
	}
}

// What is too large for a data store is refused, although bodies may be larger.
func TestValueLimit(t *testing.T) {
	t.Parallel()
	a := start(t)
	value := `"` + strings.Repeat("x", 4<<20) + `"`
	want(t, a.key("POST", "/cloud/v2/universes/8801/data-stores/S/entries?id=k", `{"value":`+value+`}`), 400, "")
	want(t, a.key("POST", "/datastores/v1/universes/8801/standard-datastores/datastore/entries/entry?datastoreName=S&entryKey=k", value), 400, "")
}
