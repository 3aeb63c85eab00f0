package mocks_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/assets"
	"github.com/rblx-go/opencloud/api/groups"
	"github.com/rblx-go/opencloud/api/users"
	"github.com/rblx-go/opencloud/mocks"
)

func TestScript(t *testing.T) {
	t.Parallel()
	s := mocks.NewScript(t)
	s.Respond(users.MethodGetUser, http.StatusOK, users.User{ID: "1"})
	s.Respond(users.MethodGetUser, http.StatusNotFound, `{"code":"NOT_FOUND"}`)
	s.RespondWith(groups.MethodGetGroup, func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("X-Api-Key") == "" || r.URL.Path != "/cloud/v2/groups/7" {
			t.Errorf("%s with %v", r.URL, r.Header)
		}
		return nil, errors.New("no answer")
	})
	c := users.New(s.Client())
	if u, err := c.GetUser(t.Context(), "1"); err != nil || u.ID != "1" {
		t.Error(u, err)
	}
	if _, err := c.GetUser(t.Context(), "1"); !errors.Is(err, opencloud.ErrNotFound) {
		t.Error(err)
	}
	if _, err := groups.New(s.Client()).GetGroup(t.Context(), "7"); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Error(err)
	}
}

// A server reads the whole of a request, and so does a script: an upload ends
// with all its progress, and one whose file cannot be read fails.
func TestScriptReadsUploads(t *testing.T) {
	t.Parallel()
	s := mocks.NewScript(t)
	s.Respond(assets.MethodCreateAsset, http.StatusOK, `{"operationId":"1"}`)
	s.Respond(assets.MethodCreateAsset, http.StatusOK, `{"operationId":"1"}`)
	c := assets.New(s.Client())
	var sent int64
	upload := func(content io.Reader) error {
		_, err := c.CreateAsset(t.Context(), assets.CreateAssetRequest{
			Request:     assets.AssetCreate{DisplayName: "A"},
			FileContent: opencloud.File{Name: "a.png", Content: content, Progress: func(n int64) { sent = n }},
		})
		return err
	}
	if err := upload(strings.NewReader("a picture")); err != nil || sent != int64(len("a picture")) {
		t.Errorf("%d bytes were sent: %v", sent, err)
	}
	lost := errors.New("the disk is gone")
	if err := upload(iotest.ErrReader(lost)); !errors.Is(err, lost) {
		t.Error(err)
	}
}

func TestScriptFailsTheTest(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	s := mocks.NewScript(rec)
	s.Respond(users.MethodGetUser, http.StatusOK, "{}")
	s.Respond(users.MethodListInventoryItems, http.StatusOK, "{}")
	s.Respond(users.MethodListInventoryItems, http.StatusOK, func() {})
	c := users.New(s.Client())
	for range 2 { // one more than there are responses
		_, _ = c.GetUser(t.Context(), "1")
	}
	if _, err := groups.New(s.Client()).GetGroup(t.Context(), "7"); err == nil || !strings.Contains(err.Error(), "groups.GetGroup") {
		t.Errorf("an unexpected call: %v", err)
	}
	for _, f := range rec.cleanups {
		f()
	}
	for i, want := range []string{"users.ListInventoryItems", "users.GetUser", "groups.GetGroup", "users.ListInventoryItems"} {
		if i >= len(rec.failed) || !strings.Contains(rec.failed[i], want) {
			t.Errorf("failure %d is not of %s: %q", i, want, rec.failed)
		}
	}
	if len(rec.failed) != 4 {
		t.Errorf("%q", rec.failed)
	}
}
