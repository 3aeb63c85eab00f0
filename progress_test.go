package opencloud_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

// Progress counts the content alone, up to all of it, and anew for each time
// that it is sent.
func TestProgress(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	content := bytes.Repeat([]byte("x"), size)
	for name, tt := range map[string]struct {
		content func() io.Reader
		answers []int
	}{
		"once":           {func() io.Reader { return bytes.NewReader(content) }, []int{200}},
		"twice":          {func() io.Reader { return bytes.NewReader(content) }, []int{503, 200}},
		"without length": {func() io.Reader { return io.MultiReader(bytes.NewReader(content)) }, []int{200}},
		"empty":          {func() io.Reader { return bytes.NewReader(nil) }, []int{200}},
	} {
		for _, parts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in parts: %v", name, parts), func(t *testing.T) {
				t.Parallel()
				want := slices.Repeat([]int64{size}, len(tt.answers))
				if name == "empty" {
					want = nil
				}
				testProgress(t, tt.content(), tt.answers, parts, want)
			})
		}
	}
}

func testProgress(t *testing.T, content io.Reader, answers []int, parts bool, want []int64) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(answers[requests.Add(1)-1])
	}))
	defer server.Close()
	c, err := opencloud.New(opencloud.Options{BaseURL: server.URL, HTTPClient: ownConnections(t)})
	if err != nil {
		t.Fatal(err)
	}
	var told []int64
	file := opencloud.File{Content: content, Progress: func(sent int64) { told = append(told, sent) }}
	body := any(file)
	if parts {
		m := new(opencloud.Multipart)
		m.Set("file", file)
		body = m
	}
	m := &opencloud.Method{Name: "t.Upload", Verb: http.MethodPost, Path: "/upload", Class: transport.Idempotent}
	if err := opencloud.Exec(t.Context(), c, m, opencloud.Request{Body: body}); err != nil {
		t.Fatal(err)
	}
	if requests.Load() != int64(len(answers)) {
		t.Fatalf("%d requests, want %d", requests.Load(), len(answers))
	}
	var ends []int64 // what each time ended with
	for i, sent := range told {
		if i == len(told)-1 || told[i+1] <= sent {
			ends = append(ends, sent)
		}
	}
	if !slices.Equal(ends, want) || len(told) < 4*len(want) {
		t.Errorf("told %d times, up to %d, want %d", len(told), ends, want)
	}
}

// What is told is what the connection took, not what is still to be sent.
func TestProgressKeepsUp(t *testing.T) {
	t.Parallel()
	const size = 128 << 20 // more than a connection holds
	var told, halfway atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, size/2)
		halfway.Store(told.Load())
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	c, err := opencloud.New(opencloud.Options{BaseURL: server.URL, APIKey: "k", HTTPClient: ownConnections(t)})
	if err != nil {
		t.Fatal(err)
	}
	file := opencloud.File{Content: &zeros{size}, Progress: told.Store}
	if err := opencloud.Exec(t.Context(), c, upload, opencloud.Request{Body: file}); err != nil {
		t.Fatal(err)
	}
	if half := halfway.Load(); half < size/2-1<<20 || half == size || told.Load() != size {
		t.Errorf("told %d when half had arrived, and %d in the end, of %d", half, told.Load(), size)
	}
}
