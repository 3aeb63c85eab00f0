package mocks

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
)

func received(t *testing.T, method, target, contentType, body string) *call {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Place", "7")
	return &call{Request: r, method: &opencloud.Method{Path: "/v1/{a}/b/{c}:do"}}
}

func TestArgumentsOfARequest(t *testing.T) {
	t.Parallel()
	c := received(t, http.MethodPost, "/v1/x%2Fy%3A/b/z:do?n=1&n=2&on=true&f=1.5", "text/plain", "content")
	if a, b := c.path(0), c.path(1); a != "x/y:" || b != "z" {
		t.Error(a, b)
	}
	if n := query[[]int64](c, "n"); len(n) != 2 || n[1] != 2 {
		t.Error(n)
	}
	type options struct {
		On    *bool   `query:"on"`
		F     float64 `query:"f"`
		Place int64   `header:"X-Place"`
		None  string  `query:"none"`
	}
	if p := params[options](c); p.On == nil || !*p.On || p.F != 1.5 || p.Place != 7 || p.None != "" {
		t.Errorf("%+v", p)
	}
	if header[int64](c, "X-Place") != 7 {
		t.Error("the header was not read")
	}
	f := file(c)
	if content, err := io.ReadAll(f.Content); string(content) != "content" || f.ContentType != "text/plain" || err != nil {
		t.Error(f, err)
	}
	if c.err != nil {
		t.Error(c.err)
	}
}

func TestArgumentsOfAMultipartRequest(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("price", "5")
	for range 2 {
		f, _ := w.CreateFormFile("files", "a.png")
		_, _ = f.Write([]byte("png"))
	}
	_ = w.Close()
	type form struct {
		Price *int64           `form:"price"`
		Files []opencloud.File `form:"files"`
	}
	c := received(t, http.MethodPost, "/v1/x/b/z:do", w.FormDataContentType(), b.String())
	if got := parts[form](c); c.err != nil || *got.Price != 5 || len(got.Files) != 2 || got.Files[1].Name != "a.png" {
		t.Errorf("%+v, %v", got, c.err)
	}
}

func TestArgumentsThatAreNotThere(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*call){
		"path":   func(c *call) { c.path(2) },
		"number": func(c *call) { query[int](c, "n") },
		"truth":  func(c *call) { query[*bool](c, "n") },
		"time":   func(c *call) { query[opencloud.Duration](c, "n") },
		"kind":   func(c *call) { query[map[string]string](c, "n") },
		"body":   func(c *call) { body[int](c) },
		"parts":  func(c *call) { parts[struct{}](c) },
	} {
		c := received(t, http.MethodPost, "/v1/x/b/z:do?n=x", "text/plain", "{")
		read(c)
		if c.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
