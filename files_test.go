package opencloud_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud"
)

// slowFile answers its first Read when it is let.
type slowFile struct {
	*bytes.Reader
	started, release chan struct{}
	reads            atomic.Int64
}

func newSlowFile(size int) *slowFile {
	return &slowFile{Reader: bytes.NewReader(bytes.Repeat([]byte("a"), size)), started: make(chan struct{}), release: make(chan struct{})}
}

func (f *slowFile) Read(p []byte) (int, error) {
	if f.reads.Add(1) == 1 {
		close(f.started)
		<-f.release
	}
	return f.Reader.Read(p[:1])
}

var replace = &opencloud.Method{Name: "t.Replace", Verb: http.MethodPut, Path: "/x", Key: true, Class: opencloud.Idempotent}

// A call that has failed leaves the file alone, and where it was: the same call
// made again sends all of it.
func TestFileIsWholeForTheNextCall(t *testing.T) {
	t.Parallel()
	const size = 1000
	synctest.Test(t, func(t *testing.T) {
		f := newSlowFile(size)
		calls, arrived := 0, 0
		c := clientOver(t, func(r *http.Request) (*http.Response, error) {
			if calls++; calls > 1 {
				all, err := io.ReadAll(r.Body)
				arrived = len(all)
				return respond(r, http.StatusOK, ""), err
			}
			go func() { _, _ = io.Copy(io.Discard, r.Body) }() // as net/http does, after the answer too
			<-f.started
			return respond(r, http.StatusForbidden, ""), nil
		})
		body := opencloud.Request{Body: opencloud.File{Content: f}}
		first := make(chan error, 1)
		go func() { first <- opencloud.Exec(t.Context(), c, upload, body) }()
		synctest.Wait()
		select {
		case err := <-first:
			t.Fatalf("the call returned while its file was read: %v", err)
		default:
		}
		close(f.release)
		if err := <-first; !errors.Is(err, opencloud.ErrPermissionDenied) {
			t.Error(err)
		}
		synctest.Wait()
		if at, err := f.Seek(0, io.SeekCurrent); at != 0 || err != nil || f.reads.Load() != 1 {
			t.Errorf("the file is at %d after %d reads, %v", at, f.reads.Load(), err)
		}
		if err := opencloud.Exec(t.Context(), c, upload, body); err != nil || arrived != size {
			t.Errorf("%d bytes of %d arrived, %v", arrived, size, err)
		}
	})
}

// What fails over a network, or in its context, leaves files where they were;
// what succeeds has read them.
func TestFilesStandWhereTheyStood(t *testing.T) {
	t.Parallel()
	const skipped, sent = "skipped", "content"
	for name, tt := range map[string]struct {
		serve http.HandlerFunc
		left  int
	}{
		"refused": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusForbidden)
		}, len(sent)},
		"lost": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}, len(sent)},
		"accepted": {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, 0},
	} {
		for _, parts := range []bool{false, true} {
			server := httptest.NewServer(tt.serve)
			content := strings.NewReader(skipped + sent)
			if _, err := content.Seek(int64(len(skipped)), io.SeekStart); err != nil {
				t.Fatal(err)
			}
			body := any(opencloud.File{Content: content})
			if parts {
				m := new(opencloud.Multipart)
				m.Set("file", body)
				m.Set("stream", opencloud.File{Content: io.LimitReader(strings.NewReader("once"), 4)})
				body = m
			}
			err := opencloud.Exec(t.Context(), keyed(t, server.URL), upload, opencloud.Request{Body: body})
			if (err == nil) != (tt.left == 0) || content.Len() != tt.left {
				t.Errorf("%s, in parts %v: %d bytes are left, want %d; %v", name, parts, content.Len(), tt.left, err)
			}
			server.Close()
		}
	}
}

// A file that was read to its end would be sent as nothing.
func TestSpentFileIsRefused(t *testing.T) {
	t.Parallel()
	sent := 0
	c := clientOver(t, func(r *http.Request) (*http.Response, error) {
		sent++
		_, err := io.Copy(io.Discard, r.Body)
		return respond(r, http.StatusOK, ""), err
	})
	file := opencloud.File{Content: strings.NewReader("a place")}
	inParts := new(opencloud.Multipart)
	inParts.Set("content", file)
	if err := opencloud.Exec(t.Context(), c, upload, opencloud.Request{Body: file}); err != nil {
		t.Fatal(err)
	}
	for _, body := range []any{file, inParts} {
		if err := opencloud.Exec(t.Context(), c, upload, opencloud.Request{Body: body}); !errors.Is(err, opencloud.ErrInvalidArgument) || sent != 1 {
			t.Errorf("%T: %v after %d requests", body, err, sent)
		}
	}
}

// The context, or http.Client's timeout, ends a call also while its file does
// not answer, whether the server has answered or not. A Read that comes back
// within a second is waited for, and its file is where it was.
func TestContextEndsACallWhoseFileIsStuck(t *testing.T) {
	t.Parallel()
	const deadline = 10 * time.Second
	for name, tt := range map[string]struct {
		answer  string
		timeout bool
		slow    time.Duration // of the Read; 0 is for good
		took    time.Duration
	}{
		"no answer":             {"", false, 0, deadline + time.Second},
		"no answer, timeout":    {"", true, 0, deadline + time.Second},
		"an answer":             {"HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false, 0, deadline + time.Second},
		"an answer, timeout":    {"HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", true, 0, deadline + time.Second},
		"no answer, then it is": {"", false, deadline + time.Second/2, deadline + time.Second/2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newSlowFile(1000)
				hc := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go answerOnce(far, f.started, tt.answer)
					return near, nil
				}}}
				ctx := t.Context()
				if tt.timeout {
					hc.Timeout = deadline
				} else {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, deadline)
					defer cancel()
				}
				c, err := opencloud.New(opencloud.Options{APIKey: canary, BaseURL: "http://127.0.0.1", HTTPClient: hc})
				if err != nil {
					t.Fatal(err)
				}
				if tt.slow > 0 {
					time.AfterFunc(tt.slow, func() { close(f.release) })
				}
				start := time.Now()
				err = opencloud.Exec(ctx, c, replace, opencloud.Request{Body: opencloud.File{Content: f}})
				if took := time.Since(start); err == nil || took != tt.took || f.reads.Load() != 1 {
					t.Errorf("took %v and %d reads, want %v and 1: %v", took, f.reads.Load(), tt.took, err)
				}
				if tt.slow == 0 {
					close(f.release)
					synctest.Wait()
				} else if f.Len() != 1000 {
					t.Errorf("%d bytes are left of 1000", f.Len())
				}
				if f.reads.Load() != 1 {
					t.Errorf("the file was read %d times", f.reads.Load())
				}
			})
		})
	}
}

// answerOnce reads the head of a request and answers it when its file is read.
func answerOnce(conn net.Conn, started <-chan struct{}, answer string) {
	in := bufio.NewReader(conn)
	if _, err := http.ReadRequest(in); err == nil && answer != "" {
		<-started
		_, _ = io.WriteString(conn, answer)
	}
	_, _ = io.Copy(io.Discard, in) // until the other end is closed
	_ = conn.Close()
}
