package opencloud_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	opencloud.AddHeader(h, "x-text", "t")
	opencloud.AddHeader(h, "x-number", int64(7))
	opencloud.AddHeader(h, "x-zero", new(int))
	opencloud.AddHeader(h, "x-unset", "")
	opencloud.AddHeader(h, "x-none", (*int)(nil))
	opencloud.SetHeader(h, "x-nought", 0)
	if len(h) != 4 || h.Get("X-Nought") != "0" || h.Get("X-Text") != "t" || h.Get("X-Number") != "7" || h.Get("X-Zero") != "0" {
		t.Error(h)
	}
	h = http.Header{"Created": {"2026-08-11T01:02:03.8294126Z"}, "Bad": {"soon"}, "Ids": {"[1,2]"}}
	var text string
	var at time.Time
	var ids json.RawMessage
	for name, into := range map[string]any{"created": &at, "ids": &ids, "bad": &text, "absent": &at} {
		if err := opencloud.ReadHeader(h, name, into); err != nil {
			t.Error(name, err)
		}
	}
	if at.Nanosecond() != 829412600 || string(ids) != "[1,2]" || text != "soon" {
		t.Error(at, ids, text)
	}
	if opencloud.ReadHeader(h, "bad", &at) == nil || opencloud.ReadHeader(h, "bad", &ids) == nil {
		t.Error("a bad value was read")
	}
	value := json.RawMessage("1")
	if err := opencloud.ReadBody([]byte(" "), &value); err != nil || string(value) != "1" {
		t.Error(value, err)
	}
	if opencloud.ReadBody([]byte("<html>"), &value) == nil {
		t.Error("HTML was read as a value")
	}
	n := 0
	if err := opencloud.ReadBody([]byte("1234.5"), &n); err == nil || strings.Contains(err.Error(), "1234.5") {
		t.Errorf("a number that is no int: %v", err)
	}
}

func TestValueAndRaw(t *testing.T) {
	t.Parallel()
	m := &opencloud.Method{Name: "t.Get", Verb: http.MethodGet, Path: "/x", Key: true}
	answers := map[string]string{}
	c := clientOver(t, func(r *http.Request) (*http.Response, error) { return respond(r, http.StatusOK, answers["now"]), nil })
	answers["now"] = `["a"]`
	if list, err := opencloud.Value[[]string](t.Context(), c, m, opencloud.Request{}); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	if raw, err := opencloud.Raw(t.Context(), c, m, opencloud.Request{}); err != nil || string(raw) != `["a"]` {
		t.Errorf("%s, %v", raw, err)
	}
	answers["now"] = ""
	if value, err := opencloud.Value[json.RawMessage](t.Context(), c, m, opencloud.Request{}); err != nil || value != nil {
		t.Errorf("%s, %v: nothing is known of the answer", value, err)
	}
	if list, err := opencloud.Value[[]string](t.Context(), c, m, opencloud.Request{}); err == nil {
		t.Error(list, "of an empty answer")
	}
	if raw, err := opencloud.Raw(t.Context(), c, m, opencloud.Request{}); err != nil || raw == nil {
		t.Errorf("%v, %v: an empty text is one", raw, err)
	}
}
