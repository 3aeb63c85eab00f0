package opencloud_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud"
)

var upload = &opencloud.Method{Name: "t.Upload", Verb: http.MethodPost, Path: "/upload", Key: true}

// received is a part as a server reads it.
type received struct{ Name, File, Type, Content string }

// readParts reads a multipart body as a server does.
func readParts(t *testing.T, r *http.Request) []received {
	t.Helper()
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		t.Fatalf("Content-Type %q: %v", r.Header.Get("Content-Type"), err)
	}
	var out []received
	for mr := multipart.NewReader(r.Body, params["boundary"]); ; {
		p, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, received{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)})
	}
}

func TestMultipartOnTheWire(t *testing.T) {
	t.Parallel()
	type kind string
	m := new(opencloud.Multipart)
	m.Set("request", struct {
		Name string `json:"name"`
	}{`a "model"`})
	m.Add("unset", "")
	m.Add("none", (*int64)(nil))
	m.Add("file", opencloud.File{})
	m.Set("name", "")
	m.Add("price", new(int64))
	m.Add("onSale", new(bool))
	m.Add("kind", kind("k"))
	m.Add("took", opencloud.Duration(1500*time.Millisecond))
	m.Add("content", opencloud.File{Name: "a\"b\r\nc.FBX", Content: strings.NewReader("bytes")})
	m.Add("files", []opencloud.File{{Content: io.LimitReader(strings.NewReader("one"), 9)}, {ContentType: "image/x", Content: strings.NewReader("")}})
	var got []received
	length := int64(0)
	c := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		got, length = readParts(t, r), r.ContentLength
	})
	if err := opencloud.Exec(t.Context(), c, upload, opencloud.Request{Body: m}); err != nil {
		t.Fatal(err)
	}
	want := []received{
		{"request", "", "application/json", `{"name":"a \"model\""}`},
		{"name", "", "", ""},
		{"price", "", "", "0"},
		{"onSale", "", "", "false"},
		{"kind", "", "", "k"},
		{"took", "", "", "1.5s"},
		{"content", `a"b%0D%0Ac.FBX`, "model/fbx", "bytes"},
		{"files", "file", "application/octet-stream", "one"},
		{"files", "file", "image/x", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if length != -1 {
		t.Errorf("a length of %d was sent ahead of a reader without end", length)
	}
}

func TestFilesHaveALengthAndComeTwice(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "place.rbxlx")
	if err := os.WriteFile(name, []byte("skipped<roblox/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer onDisk.Close()
	if _, err := onDisk.Seek(int64(len("skipped")), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	m := new(opencloud.Multipart)
	m.Add("a", "b")
	m.Add("content", opencloud.File{Name: "x.png", Content: bytes.NewReader([]byte("<roblox/>"))})
	for name, body := range map[string]any{
		"a file":   opencloud.File{Name: "p.rbxlx", Content: onDisk},
		"nothing":  opencloud.File{Content: strings.NewReader("")},
		"in parts": m,
	} {
		hits := 0
		var bodies []string
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil || int64(len(b)) != r.ContentLength {
				t.Errorf("%s: %d bytes of %d, %v", name, len(b), r.ContentLength, err)
			}
			bodies = append(bodies, string(b))
			if hits++; hits == 1 {
				w.Header().Set("Location", "/again")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		})
		if err := opencloud.Exec(t.Context(), c, upload, opencloud.Request{Body: body}); err != nil {
			t.Fatal(name, err)
		}
		if len(bodies) != 2 || bodies[0] != bodies[1] || name != "nothing" && !strings.Contains(bodies[0], "<roblox/>") || strings.Contains(bodies[0], "skipped") {
			t.Errorf("%s: %q", name, bodies)
		}
	}
	if _, err := onDisk.Stat(); err != nil {
		t.Errorf("the caller's file was closed: %v", err)
	}
}

// A body that is sent again takes over the file from the one before.
func TestOneBodyReadsAtATime(t *testing.T) {
	t.Parallel()
	c := clientOver(t, func(r *http.Request) (*http.Response, error) {
		first, half := r.Body, make([]byte, 2)
		if _, err := io.ReadFull(first, half); err != nil {
			t.Error(err)
		}
		again, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := first.Read(half); n != 0 || err == nil {
			t.Errorf("the first body read %d bytes more, %v", n, err)
		}
		if all, err := io.ReadAll(again); string(all) != "content" || err != nil {
			t.Errorf("%q, %v", all, err)
		}
		return respond(r, http.StatusOK, "{}"), nil
	})
	m := &opencloud.Method{Name: "t.Upload", Verb: http.MethodPut, Path: "/upload", Key: true, Class: opencloud.Idempotent}
	if err := opencloud.Exec(t.Context(), c, m, opencloud.Request{Body: opencloud.File{Content: strings.NewReader("content")}}); err != nil {
		t.Error(err)
	}
}

func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	c := clientOver(t, func(*http.Request) (*http.Response, error) {
		t.Error("it was sent")
		return nil, errors.New("sent")
	})
	inParts, unreadable := new(opencloud.Multipart), new(opencloud.Multipart)
	inParts.Set("content", opencloud.File{Name: "x"})
	unreadable.Set("request", map[string]any{"f": func() {}})
	for _, body := range []any{opencloud.File{Name: "x"}, inParts, unreadable, func() {}} {
		if err := opencloud.Exec(t.Context(), c, upload, opencloud.Request{Body: body}); !errors.Is(err, opencloud.ErrInvalidArgument) {
			t.Errorf("%T: %v", body, err)
		}
	}
}
