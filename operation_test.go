package opencloud_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud"
)

type speech struct {
	AssetID string `json:"assetId"`
}

var speak = &opencloud.Method{
	Name: "universes.GenerateSpeechAsset", Verb: http.MethodPost, Path: "/cloud/v2/universes/{universe_id}:generateSpeechAsset",
	Key: true, Class: opencloud.Unsafe,
}

// script answers request after request with these; "429" and "503" are statuses.
func script(t *testing.T, answers ...string) (c *opencloud.Client, sent *[]string) {
	t.Helper()
	sent = new([]string)
	return clientOver(t, func(r *http.Request) (*http.Response, error) {
		*sent = append(*sent, r.Method+" "+r.URL.EscapedPath())
		answer := answers[0]
		answers = answers[1:]
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}
		switch answer {
		case "429":
			resp.StatusCode = http.StatusTooManyRequests
			resp.Header.Set("Retry-After", "60")
		case "503":
			resp.StatusCode = http.StatusServiceUnavailable
		}
		return resp, nil
	}), sent
}

func begin(t *testing.T, c *opencloud.Client, prefix string) *opencloud.Operation[speech] {
	t.Helper()
	op, err := opencloud.Begin[speech](t.Context(), c, speak, opencloud.Request{Path: []string{"1"}, Body: struct{}{}}, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestOperationWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sent := script(t, `{"path":"operations/MQ==","done":null}`, `{"done":false}`, "429", "503", `{"path":"x","done":true,"response":{"@type":"t","assetId":"7"}}`)
		op := begin(t, c, "/assets/v1/")
		if op.Done() || op.Name() != "assets/v1/operations/MQ==" {
			t.Errorf("name %q, done %v", op.Name(), op.Done())
		}
		start := time.Now()
		got, err := op.Wait(t.Context())
		if err != nil || got.AssetID != "7" || !op.Done() {
			t.Fatalf("%+v, %v", got, err)
		}
		poll := "GET /assets/v1/operations/MQ%3D%3D"
		if want := []string{"POST /cloud/v2/universes/1:generateSpeechAsset", poll, poll, poll, poll}; !slices.Equal(*sent, want) {
			t.Errorf("sent %q", *sent)
		}
		if took := time.Since(start); took < time.Minute || took > 2*time.Minute {
			t.Errorf("waited %v, want what Retry-After says and a little", took)
		}
		if _, err := op.Wait(t.Context()); err != nil || len(*sent) != 5 {
			t.Errorf("a second Wait sent %d requests, %v", len(*sent)-5, err)
		}
	})
}

func TestOperationDoneAtOnce(t *testing.T) {
	t.Parallel()
	c, sent := script(t, `{"done":true,"response":{"assetId":"7"}}`)
	if got, err := begin(t, c, "/cloud/v2/").Wait(t.Context()); err != nil || got.AssetID != "7" || len(*sent) != 1 {
		t.Errorf("%+v, %v, %q", got, err, *sent)
	}
}

func TestOperationFails(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"done":true,"error":{"code":422,"message":"Too large."}}`: "422: Too large.",
		`{"done":true}`: "not what it should be",
		`{"done":true,"response":"` + canary + `"}`: "not what it should be",
	} {
		c, _ := script(t, answer)
		got, err := begin(t, c, "/cloud/v2/").Wait(t.Context())
		var e *opencloud.Error
		if got != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, %v", answer, got, err)
		}
	}
}

func TestOperationResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sent := script(t, `{"done":true,"response":{"assetId":"7"}}`, "404")
		op := opencloud.Resume[speech](c, speak, "cloud/v2/universes/1/operations/a b")
		if got, err := op.Wait(t.Context()); err != nil || got.AssetID != "7" {
			t.Errorf("%+v, %v", got, err)
		}
		if want := []string{"GET /cloud/v2/universes/1/operations/a%20b"}; !slices.Equal(*sent, want) {
			t.Errorf("sent %q, want %q", *sent, want)
		}
		for _, name := range []string{"", "../x", "a//b"} {
			if _, err := opencloud.Resume[speech](c, speak, name).Wait(t.Context()); !errors.Is(err, opencloud.ErrInvalidArgument) {
				t.Errorf("name %q: %v", name, err)
			}
		}
	})
}

func TestOperationWaitEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := script(t, `{"path":"operations/1"}`, `{}`, `{}`, `{}`, `{}`)
		op := begin(t, c, "/cloud/v2/")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := op.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
