package opencloud_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rblx-go/opencloud"
)

type sortOrder string

func TestQueryAdd(t *testing.T) {
	t.Parallel()
	zero, no, empty := 0, false, ""
	at := time.Date(2026, 8, 1, 12, 0, 0, 500_000_000, time.FixedZone("", 3600))
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"a b+c&d=é", "n=a%20b%2Bc%26d%3D%C3%A9"},
		{3, "n=3"},
		{int64(-3), "n=-3"},
		{uint8(3), "n=3"},
		{1.5, "n=1.5"},
		{true, "n=true"},
		{sortOrder("desc"), "n=desc"},
		{[]string{"a", "", "b"}, "n=a&n=&n=b"},
		{[]int{1, 0}, "n=1&n=0"},
		{[]sortOrder{"x"}, "n=x"},
		{at, "n=2026-08-01T11%3A00%3A00.5Z"},
		{opencloud.Duration(90 * time.Second), "n=90s"},
		{opencloud.Int64(1 << 60), "n=1152921504606846976"},
		{&zero, "n=0"},
		{&no, "n=false"},
		{&empty, "n="},
		{&at, "n=2026-08-01T11%3A00%3A00.5Z"},
		{nil, ""},
		{"", ""},
		{0, ""},
		{false, ""},
		{sortOrder(""), ""},
		{[]string{}, ""},
		{[]int(nil), ""},
		{(*int)(nil), ""},
		{time.Time{}, ""},
		{opencloud.Duration(0), ""},
	} {
		var q opencloud.Query
		q.Add("n", tt.value)
		if got := q.String(); got != tt.want {
			t.Errorf("%T %v: %q, want %q", tt.value, tt.value, got, tt.want)
		}
	}
}

func TestQuerySet(t *testing.T) {
	t.Parallel()
	sent := ""
	c := clientOver(t, func(r *http.Request) (*http.Response, error) {
		sent = r.URL.RawQuery
		return respond(r, http.StatusOK, "{}"), nil
	})
	m := &opencloud.Method{Name: "t.Get", Verb: http.MethodGet, Path: "/x", Key: true}
	for _, tt := range []struct {
		value any
		want  string // "" is a refusal
	}{
		{"a b", "n=a%20b"},
		{0, "n=0"},
		{int64(0), "n=0"},
		{false, "n=false"},
		{0.0, "n=0"},
		{opencloud.Duration(0), "n=0s"},
		{sortOrder("desc"), "n=desc"},
		{[]int64{0, 7}, "n=0&n=7"},
		{[]sortOrder{"x", "y"}, "n=x&n=y"},
		{"", ""},
		{sortOrder(""), ""},
		{[]string{}, ""},
		{[]int64(nil), ""},
		{[]string{"a", ""}, ""},
	} {
		sent = ""
		var q opencloud.Query
		q.Set("n", tt.value)
		q.Set("last", 1)
		err := opencloud.Exec(t.Context(), c, m, opencloud.Request{Query: q})
		if tt.want == "" && (!errors.Is(err, opencloud.ErrInvalidArgument) || !strings.Contains(err.Error(), "n must not be empty") || sent != "") {
			t.Errorf("%T %v: sent %q, %v", tt.value, tt.value, sent, err)
		} else if tt.want != "" && (err != nil || sent != tt.want+"&last=1") {
			t.Errorf("%T %v: sent %q, %v, want %q", tt.value, tt.value, sent, err, tt.want)
		}
	}
}

func TestQueryReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := url.Values{}
		var q opencloud.Query
		for range rapid.IntRange(0, 5).Draw(rt, "parameters") {
			name, value := rapid.String().Draw(rt, "name"), rapid.StringN(1, 20, -1).Draw(rt, "value")
			q.Add(name, value)
			want.Add(name, value)
		}
		got, err := url.ParseQuery(q.String())
		if err != nil || got.Encode() != want.Encode() {
			rt.Fatalf("%q reads back as %v, %v", q.String(), got, err)
		}
	})
}
