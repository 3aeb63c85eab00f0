package opencloud_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

// failing returns the error of a call that is answered so.
func failing(t testing.TB, status int, header http.Header, body string) *opencloud.Error {
	t.Helper()
	u, err := opencloud.Do[user](t.Context(), answering(t, status, header, strings.NewReader(body)), getUser, opencloud.Request{Path: []string{"1"}})
	e, ok := err.(*opencloud.Error) //nolint:errorlint // Do promises this very type
	if u != nil || !ok {
		t.Fatalf("status %d: %v, %v", status, u, err)
	}
	return e
}

func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, code, message string
		fields                    []opencloud.Field
		requestID, reason         string
	}{
		{name: "v2", body: `{"code":"NOT_FOUND","message":"No user.","details":[]}`, code: "NOT_FOUND", message: "No user."},
		{name: "v1", body: `{"error":"INVALID_ARGUMENT","message":"Bad id.","errorDetails":[{"errorDetailType":"x"}]}`, code: "INVALID_ARGUMENT", message: "Bad id."},
		{
			name: "v1 data store", body: `{"error":"PERMISSION_DENIED","message":"No.","errorDetails":[7,{"errorDetailType":"DatastoreErrorInfo","datastoreErrorCode":"ExistingKeyNotWritable"}]}`,
			code: "PERMISSION_DENIED", message: "No.", reason: "ExistingKeyNotWritable",
		},
		{
			name: "v2 with details", code: "INVALID_ARGUMENT", message: "Bad.", reason: "TOO_LONG", fields: []opencloud.Field{{Name: "user.about", Message: "too long"}},
			body: `{"code":"INVALID_ARGUMENT","message":"Bad.","details":[{"@type":"x/google.rpc.ErrorInfo","reason":"TOO_LONG","domain":"d"},{"fieldViolations":[{"field":"user.about","description":"too long"}]},{"fieldViolations":[1]},"x"]}`,
		},
		{name: "gateway", body: `{"errors":[{"code":0,"message":"Invalid API Key"}]}`, message: "Invalid API Key"},
		{name: "gateway with code", body: `{"errors":[{"code":7,"message":"Token Validation Failed"},{"code":8}]}`, code: "7", message: "Token Validation Failed"},
		{
			name: "validation", body: `{"errors":{"name":["too long","empty"],"id":["odd"]},"type":"t","title":"Validation failed","status":400,"extensions":{"traceId":"00-ab"}}`,
			message: "Validation failed", fields: []opencloud.Field{{Name: "id", Message: "odd"}, {Name: "name", Message: "too long"}, {Name: "name", Message: "empty"}}, requestID: "00-ab",
		},
		{
			name: "game pass", body: `{"errorCode":"InvalidPrice","errorMessage":"Wrong.","field":"price","hint":"Use 1 or more"}`,
			code: "InvalidPrice", message: "Wrong.", fields: []opencloud.Field{{Name: "price", Message: "Use 1 or more"}},
		},
		{name: "OAuth", body: `{"error":"invalid_grant","error_description":"Used."}`, code: "invalid_grant", message: "Used."},
		{name: "problem", body: `{"type":"about:blank","title":"An error occurred","status":500,"traceId":"00-cd"}`, message: "An error occurred", requestID: "00-cd"},
		{name: "quoted message", body: `{"code":3,"message":"\"InvalidImage\""}`, code: "3", message: "InvalidImage"},
		{name: "plain sentence", body: `"AssetName is moderated."`, message: "AssetName is moderated."},
		{name: "several lines", body: `{"message":"one\r\n\u001b[31mtwo\u2028three"}`, message: "one [31mtwo three"},
		{name: "HTML", body: "<html><body><h1>503 Service Unavailable</h1>No server is available.</body></html>"},
		{name: "empty", body: ""},
		{name: "null", body: "null"},
		{name: "number", body: "5", message: "5"},
		{name: "list", body: `[{"code":1}]`},
		{name: "other types", body: `{"code":{},"message":[1],"error":{"x":1},"errors":"none","field":true,"extensions":[]}`},
		{name: "truncated", body: `{"code":"NOT_FO`},
	} {
		e := failing(t, http.StatusBadRequest, nil, tt.body)
		if e.Status != http.StatusBadRequest || e.Code != tt.code || e.Message != tt.message || e.RequestID != tt.requestID || e.Reason != tt.reason || !slices.Equal(e.Fields, tt.fields) {
			t.Errorf("%s: code %q, message %q, request %q, reason %q, fields %q", tt.name, e.Code, e.Message, e.RequestID, e.Reason, e.Fields)
		}
		if string(e.Body) != tt.body || e.Method != "users.GetUser" || e.Verb != http.MethodGet || e.Path != "/cloud/v2/users/{user_id}" || e.Err != nil {
			t.Errorf("%s: %#v", tt.name, e)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	e := failing(t, http.StatusForbidden, http.Header{"X-Request-Id": {"r-1"}}, `{"code":"PERMISSION_DENIED","message":"No."}`)
	if got, want := e.Error(), "opencloud: users.GetUser (GET /cloud/v2/users/{user_id}): 403 PERMISSION_DENIED: No.; needs user:read (request r-1)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e = failing(t, http.StatusBadGateway, nil, "")
	if got, want := e.Error(), "opencloud: users.GetUser (GET /cloud/v2/users/{user_id}): 502 Bad Gateway"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestErrorIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ключ ", 30_000)
	js, err := json.Marshal(map[string]string{"message": long})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"message": `{"message":"` + long[:20_000] + `"}`, "body": string(js)} {
		e := failing(t, http.StatusBadRequest, http.Header{"X-Request-Id": {long}}, body)
		if len(e.Body) > 64<<10 || len(e.Message) > 500 || len(e.RequestID) > 500 || len(e.Error()) > 1500 {
			t.Errorf("%s: kept a body of %d, a message of %d, a text of %d bytes", name, len(e.Body), len(e.Message), len(e.Error()))
		}
		if e.Status != http.StatusBadRequest || !strings.Contains(e.Error(), "400") {
			t.Errorf("%s: lost the status: %v", name, e)
		}
	}
}

func TestErrorIs(t *testing.T) {
	t.Parallel()
	all := []error{
		opencloud.ErrInvalidArgument, opencloud.ErrUnauthenticated, opencloud.ErrPermissionDenied, opencloud.ErrNotFound,
		opencloud.ErrConflict, opencloud.ErrRateLimited, opencloud.ErrUnavailable,
	}
	for status, want := range map[int]error{
		400: opencloud.ErrInvalidArgument, 401: opencloud.ErrUnauthenticated, 403: opencloud.ErrPermissionDenied, 404: opencloud.ErrNotFound,
		409: opencloud.ErrConflict, 412: opencloud.ErrConflict, 429: opencloud.ErrRateLimited, 500: nil, 501: nil,
		502: opencloud.ErrUnavailable, 503: opencloud.ErrUnavailable, 504: opencloud.ErrUnavailable, 304: nil, 418: nil,
	} {
		e := fmt.Errorf("wrapped: %w", failing(t, status, nil, ""))
		for _, target := range all {
			if got := errors.Is(e, target); got != errors.Is(want, target) {
				t.Errorf("status %d is %q: %v", status, target, got)
			}
		}
	}
}

func TestErrorScopes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{400: 0, 401: 1, 403: 1, 404: 0} {
		if e := failing(t, status, nil, ""); len(e.Scopes) != want {
			t.Errorf("status %d names scopes %q, want %d", status, e.Scopes, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		header http.Header
		want   time.Duration
	}{
		{429, nil, 0},
		{429, http.Header{"Retry-After": {"5"}}, 5 * time.Second},
		{503, http.Header{"Retry-After": {"5"}}, 5 * time.Second},
		{429, http.Header{"Retry-After": {"5"}, "X-Ratelimit-Reset": {"22, 0"}}, 22 * time.Second},
		{429, http.Header{"X-Ratelimit-Reset": {"0,1.5"}}, 1500 * time.Millisecond},
		{403, http.Header{"X-Ratelimit-Reset": {"22"}}, 0},
		{429, http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:47 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}, 10 * time.Second},
		{429, http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:37 GMT"}}, 0},
		{429, http.Header{"Retry-After": {"-5"}}, 0},
		{429, http.Header{"Retry-After": {"NaN"}, "X-Ratelimit-Reset": {"soon,,1e99,Inf"}}, 0},
	} {
		if e := failing(t, tt.status, tt.header, ""); e.RetryAfter != tt.want {
			t.Errorf("%d %v: %v, want %v", tt.status, tt.header, e.RetryAfter, tt.want)
		}
	}
}

func TestErrorTellsTheRate(t *testing.T) {
	t.Parallel()
	e := failing(t, http.StatusForbidden, http.Header{"X-Ratelimit-Limit": {"100, 100;w=60"}, "X-Ratelimit-Remaining": {"7"}, "X-Ratelimit-Reset": {"22"}}, "")
	want := transport.Rate{Known: true, Limit: opencloud.Limit{Max: 100, Per: time.Minute}, Remaining: 7, Reset: 22 * time.Second}
	if e.Rate != want || e.RetryAfter != 0 {
		t.Errorf("%+v, retry after %v, want %+v and 0", e.Rate, e.RetryAfter, want)
	}
}

func TestErrorLogsItsParts(t *testing.T) {
	t.Parallel()
	e := failing(t, http.StatusTooManyRequests, http.Header{"Retry-After": {"5"}, "X-Request-Id": {"r-1"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"22"}},
		`{"code":"RESOURCE_EXHAUSTED","message":"Slow down.","details":[{"reason":"QUOTA"}]}`)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})).Error("failed", "err", e)
	const want = `{"level":"ERROR","msg":"failed","err":{"method":"users.GetUser","verb":"GET","path":"/cloud/v2/users/{user_id}","status":429,` +
		`"code":"RESOURCE_EXHAUSTED","reason":"QUOTA","message":"Slow down.","request_id":"r-1","retry_after":22000000000,"rate_remaining":0,"rate_reset":22000000000}}` + "\n"
	if log.String() != want {
		t.Errorf("logged %s\nwant   %s", log.String(), want)
	}
}

func TestErrorRedactsBody(t *testing.T) {
	t.Parallel()
	e := failing(t, http.StatusBadRequest, http.Header{"X-Echo": {canary}}, `{"code":"X","value":"`+canary+`"}`)
	if !strings.Contains(string(e.Body), canary) {
		t.Fatal("the body is not kept")
	}
	js, err := json.Marshal(e) //nolint:musttag // what nobody means to do, and still must not leak
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("failed", "err", e, "body", e.Body, "struct", *e)
	}
	out := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", e, e, e, e.Body, e.Body, e.Body, *e, *e, *e) + string(js) + log.String()
	if strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
		t.Errorf("the body shows in %s", out)
	}
}

func FuzzError(f *testing.F) {
	for _, seed := range []string{`{"code":"A","message":"b"}`, `{"errors":[{"code":1,"message":"x"}]}`, `{"errors":{"a":["b"]}}`, `"x"`, "<html>", "", `{"message":"\"\\u0000\""}`} {
		f.Add(404, seed, "5")
	}
	f.Fuzz(func(t *testing.T, status int, body, wait string) {
		status = 300 + (status%300+300)%300
		e := failing(t, status, http.Header{"Retry-After": {wait}, "X-Ratelimit-Reset": {wait}, "X-Request-Id": {wait}}, body)
		if e.Status != status || e.RetryAfter < 0 {
			t.Fatalf("status %d became %d, wait %v", status, e.Status, e.RetryAfter)
		}
		for _, s := range []string{e.Code, e.Message, e.RequestID} {
			if len(s) > 500 || strings.ContainsAny(s, "\r\n\x00\x1b") {
				t.Fatalf("%q is unfit for a log", s)
			}
		}
	})
}
