package emulator_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/rblx-go/opencloud/openapi"
)

// conforming makes every answer of the app's emulator be held against a
// description.
func (a *app) conforming(description []byte, server string) (checked *int) {
	a.t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		a.t.Fatal(err)
	}
	// On the wire these are text, as int64 is in the JSON of protocol buffers.
	for schema, fields := range map[string][]string{"assets.Asset": {"assetId"}, "assets.Creator": {"userId", "groupId"}} {
		for _, field := range fields {
			if described := doc.Components.Schemas[schema]; described != nil {
				described.Value.Properties[field].Value = openapi3.NewStringSchema().WithPattern("^[0-9]+$")
			}
		}
	}
	c := &conformance{t: a.t, base: a.http.Transport, doc: doc, server: server}
	a.http.Transport = c
	return &c.checked
}

type conformance struct {
	t       testing.TB
	base    http.RoundTripper
	doc     *openapi3.T
	server  string
	checked int
}

// find is FindRoute for templates with verbs, which kin-openapi's routers miss.
func (c *conformance) find(r *http.Request) *routers.Route {
	for path, item := range c.doc.Paths.Map() {
		pattern := regexp.MustCompile(`\\{[^}]*\\}`).ReplaceAllString(regexp.QuoteMeta(path), "[^/:]+")
		if regexp.MustCompile("^"+regexp.QuoteMeta(c.server)+pattern+"$").MatchString("http://"+r.URL.Host+r.URL.EscapedPath()) &&
			item.GetOperation(r.Method) != nil {
			return &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}
		}
	}
	return nil
}

func (c *conformance) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	route := c.find(r)
	if route == nil {
		c.t.Errorf("%s %s is not described", r.Method, r.URL.Path)
		return res, nil
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}); err != nil {
		c.t.Errorf("%s %s: %v\n%s", r.Method, r.URL.Path, err, body)
	}
	c.checked++
	return res, nil
}

func TestOAuthAnswersConform(t *testing.T) {
	t.Parallel()
	a := start(t)
	checked := a.conforming(openapi.OAuth(), base+"/oauth")
	tokens := a.signIn()
	access, refresh := tokens.body["access_token"].(string), tokens.body["refresh_token"].(string)
	a.refresh(refresh)
	a.refresh(refresh)                                        // reused
	a.post("/oauth/v1/token", form("client_secret", "wrong")) // 401
	for _, token := range []string{access, refresh, "unknown", ""} {
		for _, endpoint := range []string{"introspect", "resources", "revoke"} {
			a.post("/oauth/v1/token/"+endpoint, form("token", token))
		}
	}
	scoped := a.signIn()
	a.post("/oauth/v1/token/resources", form("token", scoped.body["access_token"].(string)))
	for _, token := range []string{scoped.body["access_token"].(string), a.signIn("scope", "group:read").body["access_token"].(string), "unknown"} {
		a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+token))
	}
	a.send(a.request("GET", "/oauth/.well-known/openid-configuration", ""))
	a.send(a.request("GET", "/oauth/v1/certs", ""))
	if *checked < 20 {
		t.Errorf("%d answers were checked", *checked)
	}
}

func TestCloudAnswersConform(t *testing.T) {
	t.Parallel()
	a := start(t)
	checked := a.conforming(openapi.OpenCloud(), base)
	want(t, a.upload(t, nil, "POST", "/assets/v1/assets", "request", "application/json", newImage, "fileContent", "image/png", "x"), http.StatusOK, "")
	for _, call := range []string{
		"GET /cloud/v2/users/156",
		"GET /cloud/v2/universes/8804",
		`PATCH /cloud/v2/universes/8801?updateMask=discordSocialLink {"discordSocialLink":{"title":"Talk","uri":"https://example.com/"}}`,
		"GET /cloud/v2/groups/7001",
		"GET /cloud/v2/groups/7001/roles",
		"GET /cloud/v2/groups/7001/roles/70011",
		"GET /cloud/v2/groups/7001/memberships",
		`POST /cloud/v2/groups/7001/memberships/MjU3:assignRole {"role":"groups/7001/roles/70012"}`,
		"GET /cloud/v2/groups/7002/join-requests",
		`POST /cloud/v2/universes/8801:publishMessage {"topic":"t","message":"m"}`,
		`POST /cloud/v2/universes/8801/data-stores/S/entries?id=k {"value":1}`,
		"GET /cloud/v2/universes/8801/data-stores/S/entries/k",
		`PATCH /cloud/v2/universes/8801/data-stores/S/entries/k {"value":2,"users":["users/156"],"attributes":{"a":1}}`,
		`POST /cloud/v2/universes/8801/data-stores/S/entries/k:increment {"amount":1}`,
		"GET /cloud/v2/universes/8801/data-stores/S/entries/k:listRevisions",
		"GET /cloud/v2/universes/8801/data-stores/S/entries",
		"GET /cloud/v2/universes/8801/data-stores/S/scopes/global/entries",
		"GET /cloud/v2/universes/8801/data-stores",
		"POST /cloud/v2/universes/8801/data-stores:snapshot {}",
		"DELETE /cloud/v2/universes/8801/data-stores/S/entries/k",
		`POST /cloud/v2/universes/8801/ordered-data-stores/O/scopes/global/entries?id=k {"value":1}`,
		`POST /cloud/v2/universes/8801/ordered-data-stores/O/scopes/global/entries/k:increment {"amount":1}`,
		"GET /cloud/v2/universes/8801/ordered-data-stores/O/scopes/global/entries",
		"POST /cloud/v2/universes/8801:restartServers {}",
		"DELETE /cloud/v2/universes/8801/data-stores/S",
		"POST /cloud/v2/universes/8801/data-stores/S:undelete {}",
		"GET /cloud/v2/universes/8801/places/88011",
		`PATCH /cloud/v2/universes/8801/places/88011?updateMask=description {"description":"d"}`,
		"GET /assets/v1/operations/00000000-0000-4000-8000-000000000001",
		"GET /assets/v1/assets/99001",
		"GET /assets/v1/assets/99001/versions",
		"GET /assets/v1/assets/99001/versions/1",
		`POST /assets/v1/assets/99001/versions:rollback {"assetVersion":"assets/99001/versions/1"}`,
		"POST /assets/v1/assets/99001:archive {}",
		"POST /assets/v1/assets/99001:restore {}",
		"GET /asset-delivery-api/v1/assetId/99001",
		"GET /asset-delivery-api/v1/assetId/99001/version/1",
	} {
		method, rest, _ := strings.Cut(call, " ")
		path, body, _ := strings.Cut(rest, " ")
		want(t, a.key(method, path, body), http.StatusOK, "")
	}
	want(t, a.send(a.request("POST", "/universes/v1/8801/places/88011/versions?versionType=Saved", "x",
		"X-Api-Key", a.APIKey(), "Content-Type", "application/octet-stream")), http.StatusOK, "")
	if *checked != 39 {
		t.Errorf("%d answers were checked, want 39", *checked)
	}
}
