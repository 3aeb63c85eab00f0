package opencloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

type made struct {
	ID string `json:"id"`
}

// The names that the API gives operations, and where each is asked for.
func TestOperationIsPolledWhereItsServiceIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ template, name, want string }{
		{"/assets/v1/operations/{operationId}", "operations/5b-7", "/assets/v1/operations/5b-7"},
		{"/cloud/v2/users/{user_id}/operations/{operation_id}", "users/156/operations/Q2h==", "/cloud/v2/users/156/operations/Q2h%3D%3D"},
		{"/cloud/v2/users/{user_id}/operations/{operation_id}", "users/156/operations/Q2h%3D%3D", "/cloud/v2/users/156/operations/Q2h%3D%3D"},
		{"/cloud/v2/users/{user_id}/operations/{operation_id}", "users/156/operations/a/b", "/cloud/v2/users/156/operations/a%2Fb"},
		{"/cloud/v2/universes/{universe_id}/memory-store/operations/{operation_id}", "cloud/v2/universes/8801/operations/x", "/cloud/v2/universes/8801/memory-store/operations/x"},
		{
			"/cloud/v2/universes/{u}/places/{p}/instances/{i}/operations/{o}", "universes/1/places/2/instances/3/operations/4",
			"/cloud/v2/universes/1/places/2/instances/3/operations/4",
		},
		{"/analytics-query-api/v1/universes/{u}/operations/metrics/{o}", "v1/universes/1/operations/metrics/m", "/analytics-query-api/v1/universes/1/operations/metrics/m"},
		{"/assets/v1/operations/{operationId}", "assets/7", ""},
		{"/assets/v1/operations/{operationId}", "operations", ""},
		{"/assets/v1/operations/{operationId}", "operations/..", ""},
		{"/assets/v1/operations/{operationId}", "", ""},
	} {
		asked := ""
		c := clientOver(t, func(r *http.Request) (*http.Response, error) {
			asked = r.URL.EscapedPath()
			return respond(r, http.StatusOK, `{"done":true,"response":{"id":"1"}}`), nil
		})
		op := opencloud.Resume[made](c, &opencloud.Method{Name: "t.Get", Verb: "GET", Path: row.template, Key: true}, row.name)
		got, err := op.Wait(t.Context())
		if row.want == "" {
			if !errors.Is(err, opencloud.ErrInvalidArgument) || asked != "" {
				t.Errorf("%q: asked for %q, %v", row.name, asked, err)
			}
			continue
		}
		if err != nil || got.ID != "1" || asked != row.want {
			t.Errorf("%q: asked for %q, want %q; %+v, %v", row.name, asked, row.want, got, err)
		}
	}
}

func respond(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body))}
}

// operation answers the calls of one operation, a step each.
func operation(t *testing.T, steps ...any) (op *opencloud.Operation[made], polls *int) {
	t.Helper()
	polls = new(int)
	c := clientOver(t, func(r *http.Request) (*http.Response, error) {
		step := steps[min(*polls, len(steps)-1)]
		*polls++
		switch step := step.(type) {
		case error:
			return nil, step
		case int:
			return respond(r, step, "<html>"), nil
		}
		return respond(r, http.StatusOK, step.(string)), nil
	})
	return opencloud.Resume[made](c, &opencloud.Method{Name: "t.Get", Verb: "GET", Path: "/v1/operations/{id}", Key: true}, "operations/1"), polls
}

func TestOperationWait(t *testing.T) {
	t.Parallel()
	const pending, done = `{"path":"operations/1","done":false,"metadata":{"n":1}}`, `{"done":true,"response":{"@type":"x","id":"1"}}`
	for name, row := range map[string]struct {
		steps []any
		polls int
		want  string // the id
		err   error
	}{
		"done at once":             {[]any{done}, 1, "1", nil},
		"done later":               {[]any{pending, `{"path":"operations/1"}`, `{"done":null}`, done}, 4, "1", nil},
		"limits, faults, outages":  {[]any{429, 500, 502, 503, errors.New("connection reset"), "<html>", `{"done":`, pending, done}, 9, "1", nil},
		"an empty message":         {[]any{`{"done":true}`}, 1, "", nil},
		"failed":                   {[]any{pending, `{"done":true,"error":{"code":5,"message":"no such asset"}}`}, 2, "", opencloud.ErrNotFound},
		"failed in an unknown way": {[]any{`{"done":true,"error":{"code":99}}`}, 1, "", nil},
		"an error that is none":    {[]any{`{"done":true,"error":{},"response":{"id":"1"}}`}, 1, "1", nil},
		"not found":                {[]any{pending, 404}, 2, "", opencloud.ErrNotFound},
		"not allowed":              {[]any{403}, 1, "", opencloud.ErrPermissionDenied},
		"down for good":            {[]any{503}, 10, "", opencloud.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				op, polls := operation(t, row.steps...)
				got, err := op.Wait(t.Context())
				failed := row.err != nil || strings.HasPrefix(name, "failed")
				if failed != (err != nil) || row.err != nil && !errors.Is(err, row.err) || (got == nil) != failed {
					t.Fatalf("%+v, %v", got, err)
				}
				if !failed && got.ID != row.want {
					t.Errorf("%+v", got)
				}
				if *polls != row.polls {
					t.Errorf("%d polls, want %d", *polls, row.polls)
				}
				if op.Done {
					if again, err2 := op.Wait(t.Context()); again != got || err2 != err || *polls != row.polls { //nolint:errorlint // the same error
						t.Errorf("a second wait: %+v, %v, %d polls", again, err2, *polls)
					}
				}
			})
		})
	}
}

func TestOperationWaitHonoursTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := clientOver(t, func(r *http.Request) (*http.Response, error) {
			if n++; n == 1 {
				resp := respond(r, http.StatusTooManyRequests, "")
				resp.Header.Set("Retry-After", "60")
				return resp, nil
			}
			return respond(r, http.StatusOK, `{"done":true,"response":{}}`), nil
		})
		start := time.Now()
		op := opencloud.Resume[made](c, &opencloud.Method{Path: "/operations/{id}", Verb: "GET", Key: true}, "operations/1")
		if _, err := op.Wait(t.Context()); err != nil || time.Since(start) < time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestOperationWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		op, polls := operation(t, `{"metadata":{"n":1}}`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := op.Wait(ctx)
		e, ok := errors.AsType[*opencloud.Error](err)
		if !ok || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute || e.Method != "t.Get" {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if *polls < 8 || *polls > 40 { // backs off to one in ten seconds
			t.Errorf("%d polls in a minute", *polls)
		}
		if op.Name != "operations/1" || string(op.Metadata) != `{"n":1}` {
			t.Errorf("%+v", op)
		}
	})
}

// A poll that would come after the deadline is not waited for: the error before
// says more than that the time is up.
func TestOperationWaitDoesNotSleepInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := clientOver(t, func(r *http.Request) (*http.Response, error) {
			asked++
			resp := respond(r, http.StatusTooManyRequests, "")
			resp.Header.Set("Retry-After", "3600")
			return resp, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Minute)
		defer cancel()
		start := time.Now()
		op := opencloud.Resume[made](c, &opencloud.Method{Path: "/operations/{id}", Verb: "GET", Key: true}, "operations/1")
		_, err := op.Wait(ctx)
		e, ok := errors.AsType[*opencloud.Error](err)
		if !ok || !errors.Is(err, opencloud.ErrRateLimited) || e.RetryAfter != time.Hour || time.Since(start) != 0 || asked != 1 {
			t.Errorf("%v after %s and %d polls", err, time.Since(start), asked)
		}
	})
}

// What the credential refuses comes to nothing if asked again.
func TestOperationWaitEndsWithTheCredential(t *testing.T) {
	t.Parallel()
	revoked := errors.New("the user has to sign in again")
	asked := 0
	refusing := transport.NewAPIKeySource("revoked", func(context.Context) (string, error) { asked++; return "", revoked })
	for _, attempts := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			asked = 0
			c, err := opencloud.New(opencloud.Options{Credential: refusing, Attempts: attempts})
			if err != nil {
				t.Fatal(err)
			}
			op := opencloud.Resume[made](c, &opencloud.Method{Path: "/operations/{id}", Verb: "GET", Key: true}, "operations/1")
			if _, err := op.Wait(t.Context()); !errors.Is(err, revoked) || asked != 1 {
				t.Errorf("attempts %d: asked %d times: %v", attempts, asked, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		own, err := opencloud.New(opencloud.Options{HTTPClient: &http.Client{Transport: refusing.RoundTripper(nil, transport.Origins{})}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		op := opencloud.Resume[made](own.As(transport.NewAPIKey("other")), &opencloud.Method{Path: "/operations/{id}", Verb: "GET", Key: true}, "operations/1")
		if _, err := op.Wait(t.Context()); !errors.Is(err, opencloud.ErrInvalidArgument) || time.Since(start) != 0 {
			t.Errorf("two credentials: %v after %s", err, time.Since(start))
		}
	})
}

func TestOperationByHand(t *testing.T) {
	t.Parallel()
	op := &opencloud.Operation[made]{Name: "operations/1", Done: true, Response: &made{"1"}}
	if got, err := op.Wait(t.Context()); err != nil || got.ID != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	if text, err := json.Marshal(op); err != nil || string(text) != `{"path":"operations/1","done":true,"response":{"id":"1"}}` {
		t.Errorf("%s, %v", text, err)
	}
	failed := &opencloud.Operation[made]{Done: true, Err: &opencloud.Error{Code: "NOT_FOUND", Message: "gone"}}
	if text, err := json.Marshal(failed); err != nil || string(text) != `{"done":true,"error":{"code":5,"message":"gone"}}` {
		t.Errorf("%s, %v", text, err)
	}
	if err := (&opencloud.Operation[made]{Name: "operations/1"}).Poll(t.Context()); !errors.Is(err, opencloud.ErrInvalidArgument) {
		t.Error(err)
	}
}
