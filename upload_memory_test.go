package opencloud_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/rblx-go/opencloud"
)

// Uploading takes the same memory however large the file is.
func TestUploadMemory(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		arrived.Store(n)
	}))
	defer server.Close()
	c, err := opencloud.New(opencloud.Options{BaseURL: server.URL, HTTPClient: ownConnections(t)})
	if err != nil {
		t.Fatal(err)
	}
	method := &opencloud.Method{Name: "assets.CreateAsset", Verb: http.MethodPost, Path: "/assets"}
	testMemory(t, func(size int64) {
		t.Helper()
		m := new(opencloud.Multipart)
		m.Set("request", struct{ DisplayName string }{"large"})
		m.Set("fileContent", opencloud.File{Name: "x.fbx", Content: &zeros{size}})
		if err := opencloud.Exec(t.Context(), c, method, opencloud.Request{Body: m}); err != nil {
			t.Fatal(err)
		}
		if got := arrived.Load(); got < size || got > size+1000 {
			t.Fatalf("%d bytes arrived, want %d and the parts around them", got, size)
		}
	})
}
