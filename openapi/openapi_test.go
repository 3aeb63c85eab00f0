package openapi_test

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rblx-go/opencloud/openapi"
)

func load(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOAuthDescribesEveryEndpoint(t *testing.T) {
	t.Parallel()
	doc := load(t, openapi.OAuth())
	want := map[string][]string{ // parameters or form fields
		"GET /v1/authorize":                     {"client_id", "code_challenge", "code_challenge_method", "nonce", "prompt", "redirect_uri", "response_type", "scope", "state"},
		"POST /v1/token":                        {"client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri", "refresh_token", "scope"},
		"POST /v1/token/introspect":             {"client_id", "client_secret", "token", "token_type_hint"},
		"POST /v1/token/resources":              {"client_id", "client_secret", "token", "token_type_hint"},
		"POST /v1/token/revoke":                 {"client_id", "client_secret", "token", "token_type_hint"},
		"GET /v1/userinfo":                      nil,
		"GET /.well-known/openid-configuration": nil,
		"GET /v1/certs":                         nil,
	}
	got := 0
	for path, item := range doc.Paths.Map() {
		for verb, op := range item.Operations() {
			got++
			var names []string
			for _, p := range op.Parameters {
				names = append(names, p.Value.Name)
			}
			if op.RequestBody != nil {
				form := op.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
				for _, s := range append(form.OneOf, &openapi3.SchemaRef{Value: form}) {
					for name := range s.Value.Properties {
						names = append(names, name)
					}
				}
				if op.Security == nil || len(*op.Security) != 2 {
					t.Errorf("%s %s does not offer Basic beside the body", verb, path)
				}
			}
			slices.Sort(names)
			key := verb + " " + path
			fields, known := want[key]
			if !known {
				t.Errorf("%s is no endpoint of Roblox's", key)
			}
			if names = slices.Compact(names); !slices.Equal(names, fields) {
				t.Errorf("%s has the parameters %v, want %v", key, names, fields)
			}
			if op.Responses.Value("200") == nil {
				t.Errorf("%s has no success", key)
			}
			if verb == "POST" && op.Responses.Value("400") == nil {
				t.Errorf("%s has no error", key)
			}
		}
	}
	if got != len(want) {
		t.Errorf("%d endpoints, want %d", got, len(want))
	}
}

func TestOpenCloudIsValid(t *testing.T) {
	t.Parallel()
	doc := load(t, openapi.OpenCloud())
	if n := len(doc.Paths.Map()); n < 20 {
		t.Errorf("only %d paths", n)
	}
}
