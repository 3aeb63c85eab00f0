package opencloud_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

var getContent = &opencloud.Method{Name: "things.GetContent", Verb: http.MethodGet, Path: "/things", Key: true}

// cdn serves a file under /file, and remembers the headers that it was asked with.
type cdn struct {
	*httptest.Server
	seen []http.Header
}

func newCDN(t *testing.T, serve http.HandlerFunc) *cdn {
	t.Helper()
	c := new(cdn)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.seen = append(c.seen, r.Header)
		serve(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func keyed(t *testing.T, base string) *opencloud.Client {
	t.Helper()
	c, err := opencloud.New(opencloud.Options{BaseURL: base, APIKey: "secret-key", HTTPClient: ownConnections(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A redirect to another origin is followed, and the credential stays behind.
func TestDownloadRedirect(t *testing.T) {
	t.Parallel()
	files := newCDN(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "the file")
	})
	api := newCDN(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, files.URL+"/file?signature=s", http.StatusFound)
	})
	content, err := opencloud.Download(t.Context(), keyed(t, api.URL), getContent, opencloud.Request{Header: http.Header{"accept": {"image/*"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	got, err := io.ReadAll(content)
	if err != nil || string(got) != "the file" || content.Type != "image/png" || content.Length != 8 {
		t.Errorf("%q of type %q and length %d, %v", got, content.Type, content.Length, err)
	}
	if len(api.seen) != 1 || api.seen[0].Get("X-Api-Key") != "secret-key" || api.seen[0].Get("Accept") != "image/*" {
		t.Errorf("the API was asked with %v", api.seen)
	}
	if len(files.seen) != 1 || files.seen[0].Get("X-Api-Key") != "" || files.seen[0].Get("Authorization") != "" {
		t.Errorf("the file was asked for with %v", files.seen)
	}
}

// A body that ends too early is never taken for the whole file.
func TestDownloadTruncated(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(http.ResponseWriter){
		"length": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		},
		"chunks": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"gzip": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "half")
			_ = z.Flush() // without the end
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newCDN(t, func(w http.ResponseWriter, _ *http.Request) { serve(w) })
			content, err := opencloud.Download(t.Context(), keyed(t, api.URL), getContent, opencloud.Request{})
			if err != nil {
				t.Fatal(err)
			}
			defer content.Close()
			got, err := io.ReadAll(content)
			e, ok := errors.AsType[*opencloud.Error](err)
			if !ok || !errors.Is(err, io.ErrUnexpectedEOF) || e.Method != getContent.Name || string(got) != "half" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// short is a RoundTripper that, unlike net/http, does not compare lengths.
type short struct{}

func (short) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: 100, Body: io.NopCloser(strings.NewReader("half")), Request: r}, nil
}

func TestDownloadTruncatedUnnoticed(t *testing.T) {
	t.Parallel()
	c, err := opencloud.New(opencloud.Options{APIKey: "k", HTTPClient: &http.Client{Transport: short{}}})
	if err != nil {
		t.Fatal(err)
	}
	content, err := opencloud.Download(t.Context(), c, getContent, opencloud.Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if got, err := io.ReadAll(content); !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "half" {
		t.Errorf("%q, %v", got, err)
	}
}

// The context ends a download that stalls.
func TestDownloadCanceled(t *testing.T) {
	t.Parallel()
	api := newCDN(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	content, err := opencloud.Download(ctx, keyed(t, api.URL), getContent, opencloud.Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if _, err := io.ReadFull(content, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := content.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A location is asked without the credential, even if it is the API's own host.
func TestFetch(t *testing.T) {
	t.Parallel()
	files := newCDN(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "signature=s" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, "the file")
	})
	c := keyed(t, files.URL)
	content, err := opencloud.Fetch(t.Context(), c, files.URL+"/file?signature=s")
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if got, err := io.ReadAll(content); err != nil || string(got) != "the file" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = opencloud.Fetch(t.Context(), c, files.URL+"/file?signature=secret")
	if !errors.Is(err, opencloud.ErrPermissionDenied) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if len(files.seen) != 2 || files.seen[0].Get("X-Api-Key") != "" {
		t.Errorf("asked with %v", files.seen)
	}
	for _, location := range []string{"", "/file", "http://example.com/secret", "ftp://127.0.0.1/secret", "https://a b/secret\x00", "file:///secret"} {
		if _, err := opencloud.Fetch(t.Context(), c, location); !errors.Is(err, opencloud.ErrInvalidArgument) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", location, err)
		}
	}
}

// An http.Client that brings a credential would add it to what goes to the API.
func TestFetchWithAnAuthenticatingClient(t *testing.T) {
	t.Parallel()
	api := newCDN(t, func(http.ResponseWriter, *http.Request) {})
	allowed, err := transport.ParseOrigins(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: transport.NewAPIKey(canary).RoundTripper(nil, allowed)}
	c, err := opencloud.New(opencloud.Options{BaseURL: api.URL, HTTPClient: hc})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opencloud.Fetch(t.Context(), c, api.URL+"/file"); !errors.Is(err, opencloud.ErrInvalidArgument) || len(api.seen) != 0 {
		t.Errorf("%v, and asked with %v", err, api.seen)
	}
}

// Downloading takes the same memory however large the file is.
func TestDownloadMemory(t *testing.T) {
	t.Parallel()
	files := newCDN(t, func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Length", r.URL.Query().Get("size"))
		_, _ = io.Copy(w, &zeros{size})
	})
	api := newCDN(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, files.URL+"?"+r.URL.RawQuery, http.StatusFound)
	})
	c := keyed(t, api.URL)
	testMemory(t, func(size int64) {
		var query opencloud.Query
		query.Add("size", size)
		content, err := opencloud.Download(t.Context(), c, getContent, opencloud.Request{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		if n, err := io.Copy(io.Discard, content); err != nil || n != size {
			t.Fatalf("%d bytes arrived, want %d: %v", n, size, err)
		}
	})
}
