package emulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Whatever arrives is answered, never with a 5xx and never with a redirect to
// an address that is not registered.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /oauth/v1/authorize?client_id=" + emulator.DefaultClientID + "&redirect_uri=" + url.QueryEscape(callback) + "&response_type=code&scope=openid ",
		"GET /oauth/v1/authorize?redirect_uri=https://evil.example/&client_id=" + emulator.DefaultClientID + " ",
		"POST /oauth/v1/token grant_type=refresh_token&refresh_token=a.b.c.d.e&client_id=" + emulator.DefaultClientID + "&client_secret=" + url.QueryEscape(secret),
		"POST /oauth/v1/token grant_type=authorization_code&code=%zz&code=2",
		"POST /oauth/v1/consent form=x&decision=allow",
		`PATCH /cloud/v2/universes/8801?updateMask=a.b,,displayName {"displayName":1e999}`,
		"GET /cloud/v2/groups/-/memberships?filter=user%20in%20['users/156'&maxPageSize=-1&pageToken=pffffffffffffffff ",
		`POST /cloud/v2/universes/8801/data-stores/S/entries?id=k {"value":1}`,
		`POST /cloud/v2/universes/8801/data-stores/S/entries/k:increment {"amount":1e300}`,
		"GET /cloud/v2/universes/8801/data-stores/S/entries/%2e%2e@latest:x ",
		"POST /datastores/v1/universes/8801/standard-datastores/datastore/entries/entry?datastoreName=S&entryKey=k nul",
		`POST /ordered-data-stores/v1/universes/8801/orderedDataStores/S/scopes/g/entries/k:increment {"amount":9223372036854775807}`,
		"POST /emulator/faults [{}]",
		"GET /assets/v1/assets/1 ",
		"POST /assets/v1/assets --b\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n" + newImage +
			"\r\n--b\r\nContent-Disposition: form-data; name=\"fileContent\"\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n",
		"PATCH /assets/v1/assets/99001?updateMask=description,previews,displayName --b\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n" +
			`{"assetId":"99001","displayName":"x","description":null,"previews":[{}]}` + "\r\n--b--\r\n",
		`POST /assets/v1/assets/99001/versions:rollback {"assetVersion":"assets/99001/versions/9223372036854775808"}`,
		"GET /assets/v1/assets/99001/versions/-1 ",
		`PATCH /cloud/v2/universes/8801/places/88011?updateMask=serverSize {"serverSize":-1}`,
		"POST /universes/v1/8801/places/88011/versions?versionType=Saved x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, request string) {
		method, rest, _ := strings.Cut(request, " ")
		target, body, _ := strings.Cut(rest, " ")
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/emulator/") {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(body))
		if err != nil {
			return
		}
		a := start(t)
		a.upload(t, nil, "POST", "/assets/v1/assets", "request", "application/json", newImage, "fileContent", "image/png", "x")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(body, "--b\r\n") {
			req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		}
		req.Header.Set("X-Api-Key", a.APIKey())
		got := a.send(req)
		if got.StatusCode >= 500 && got.StatusCode != http.StatusNotImplemented { // that it lacks an operation it says so
			t.Errorf("answered %d %s", got.StatusCode, got.text)
		}
		if to := got.Header.Get("Location"); to != "" && !strings.HasPrefix(to, callback+"?") {
			t.Errorf("redirected to %q", to)
		}
	})
}
