package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/internal/sample"
	"github.com/rblx-go/opencloud/openapi"
	"github.com/rblx-go/opencloud/transport"
)

// documents returns what requests are checked against: the description that is
// committed, and Roblox's own document where RBLX_TEST_DOCUMENT names the file,
// which is not ours to publish.
func documents(t *testing.T) map[string]*openapi3.T {
	t.Helper()
	texts := map[string][]byte{"the description": openapi.OpenCloud()}
	if name := os.Getenv("RBLX_TEST_DOCUMENT"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts["Roblox's document"] = text
	}
	docs := map[string]*openapi3.T{}
	for name, text := range texts {
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			t.Fatal(name, err)
		}
		docs[name] = doc
	}
	return docs
}

// sampler makes arguments that a server would take: values of enums, and ids
// that are numbers.
func sampler(t *testing.T) func(reflect.Type, string) (reflect.Value, bool) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.OpenCloud())
	if err != nil {
		t.Fatal(err)
	}
	return func(typ reflect.Type, name string) (reflect.Value, bool) {
		v := reflect.New(typ).Elem()
		_, family, _ := strings.Cut(typ.PkgPath(), "/api/")
		schema := doc.Components.Schemas[family+"."+typ.Name()]
		switch {
		case schema != nil && schema.Value != nil && len(schema.Value.Enum) > 0:
			last := reflect.ValueOf(schema.Value.Enum[len(schema.Value.Enum)-1])
			if last.CanConvert(typ) {
				v.Set(last.Convert(typ))
				return v, true
			}
		case typ == reflect.TypeFor[opencloud.File]() && name == "":
			return reflect.ValueOf(opencloud.File{Name: "place.rbxlx", Content: strings.NewReader("<roblox/>")}), true
		case typ.Kind() == reflect.String && name == "Creator":
			v.SetString("user/7")
			return v, true
		case typ.Kind() == reflect.String:
			v.SetString("7")
			return v, true
		case typ.Kind() == reflect.Int && name == "Limit":
			v.SetInt(10)
			return v, true
		}
		return v, false
	}
}

// request is what was sent for a method.
type request struct {
	*http.Request

	method *opencloud.Method
	body   []byte
}

// recorder returns a client that keeps what it sends, and where it does.
func recorder(t *testing.T) (*opencloud.Client, *[]request) {
	t.Helper()
	var sent []request
	core, err := opencloud.New(opencloud.Options{APIKey: "k", Attempts: 1, Unpaced: true, HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		one := request{Request: r, method: transport.MethodFrom(r.Context())}
		if r.Body != nil {
			var err error
			if one.body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		sent = append(sent, one)
		return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody, Request: r}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return core, &sent
}

// requests calls every method of every client and returns what was sent.
func requests(t *testing.T, maker sample.Maker) []request {
	t.Helper()
	core, sent := recorder(t)
	for name, call := range methods(core) {
		before := len(*sent)
		results := call.Call(maker.Args(call, t.Context()))
		if len(*sent) == before {
			t.Errorf("%s sent nothing: %v", name, results[len(results)-1])
		}
	}
	return *sent
}

// route finds the operation in the document. Its own router takes neither
// "{id}:verb" nor two paths that differ in the names of parameters alone.
func route(doc *openapi3.T, m *opencloud.Method) *routers.Route {
	unnamed := func(path string) string {
		path, _, _ = strings.Cut(path, "#")
		return regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, "{}")
	}
	for path, item := range doc.Paths.Map() {
		op := item.Operations()[m.Verb]
		if op == nil || unnamed(path) != unnamed(m.Path) {
			continue
		}
		return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: m.Verb, Operation: op}
	}
	return nil
}

// pathParams reads the path parameters of a request.
func pathParams(template, path string) map[string]string {
	template, _, _ = strings.Cut(template, "#")
	names := regexp.MustCompile(`\{([^}]+)\}`).FindAllStringSubmatch(template, -1)
	pattern := regexp.MustCompile(`\\\{[^}]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `([^/:]+)`)
	values := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(path)
	out := map[string]string{}
	for i, v := range values[min(1, len(values)):] {
		out[names[i][1]] = v
	}
	return out
}

// exceptions are the requests that a document refuses and Roblox takes, by
// method: what the refusal says, and the reason.
var exceptions = map[string]struct{ refusal, reason string }{
	"universes.UpdateUniverse": {"is missing", patches},
	"places.UpdatePlace":       {"is missing", patches},
	"datastores.SetEntryV1":    {"null", "null is a value like others, which no schema of OpenAPI 3.0 without a type can say"},
	"assets.UpdateAsset":       {`readOnly property "assetId"`, "the prose requires what the schema calls read-only, and the samples send it"},
}

// patches is why a document refuses them.
const patches = "a patch sends what changes, and not all that the schema of the whole requires"

// Every method's request, with everything set, with zeros and with as little as
// it can, is one that the documents allow, by the judgement of kin-openapi.
func TestRequestsConform(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"image/png", "application/octet-stream", "application/xml"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	makers := map[string]sample.Maker{"full": {Make: sampler(t)}, "zero": {Make: sampler(t), Zero: true}, "unset": {Make: sampler(t), Unset: true}}
	sent := map[string][]request{}
	for name, maker := range makers {
		sent[name] = requests(t, maker)
	}
	for name, doc := range documents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused := map[string]bool{}
			for how, all := range sent {
				if len(all) < 250-len("InScope") {
					t.Errorf("only %d requests", len(all))
				}
				for _, r := range all {
					if err := conforms(t.Context(), doc, r); err != nil && !tooLittle(how, err) {
						refused[r.method.Name] = true
						if e, has := exceptions[r.method.Name]; !has || !strings.Contains(err.Error(), e.refusal) {
							t.Errorf("%s, %s: %v", r.method.Name, how, err)
						}
					}
				}
			}
			if name != "the description" {
				for m, e := range exceptions {
					if !refused[m] {
						t.Errorf("%s conforms by now and needs no exception: %s", m, e.reason)
					}
				}
			}
		})
	}
}

// tooLittle reports whether a zero was refused because the least is more, or a
// list or file is missing that the caller did not give.
func tooLittle(how string, err error) bool {
	if how == "unset" && strings.Contains(err.Error(), "is missing") {
		return true
	}
	return how == "zero" && (strings.Contains(err.Error(), "must be at least") || strings.Contains(err.Error(), "minimum string length") || strings.Contains(err.Error(), "must be more than"))
}

func conforms(ctx context.Context, doc *openapi3.T, r request) error {
	found := route(doc, r.method)
	if found == nil {
		return errNoOperation
	}
	params := pathParams(found.Path, r.URL.EscapedPath())
	if _, has := params["repository"]; has {
		params["repository"] = "InExperienceConfig" // one of few, for the caller to choose
	}
	again := r.Clone(ctx)
	again.Body = io.NopCloser(bytes.NewReader(r.body))
	return openapi3filter.ValidateRequest(ctx, &openapi3filter.RequestValidationInput{
		Request: again, Route: found, PathParams: params,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	})
}

var errNoOperation = errors.New("the document has no such operation")
