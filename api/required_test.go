package api_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/ads"
	"github.com/rblx-go/opencloud/api/assets"
	"github.com/rblx-go/opencloud/api/datastores"
)

// Zero is a value like others where a parameter is required: adding it changes
// nothing, and left out it would be the server's 1.
func TestIncrementEntryV1ByZero(t *testing.T) {
	t.Parallel()
	c, s := emulated(t).DataStores, datastores.Store{Universe: "8801", ID: "PlayerData"}
	for _, tt := range []struct {
		by   int64
		want string
	}{{4, "4"}, {0, "4"}, {-1, "3"}} {
		if got, err := c.IncrementEntryV1(t.Context(), s, "coins", tt.by, nil); err != nil || string(got.Value) != tt.want {
			t.Errorf("plus %d: %+v, %v, want %s", tt.by, got, err, tt.want)
		}
	}
}

// What a call cannot do without is never left out of it: the call is refused.
func TestEmptyRequiredParametersAreRefused(t *testing.T) {
	t.Parallel()
	sent := 0
	core, err := opencloud.New(opencloud.Options{APIKey: "k", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	c, ctx, s := api.New(core), t.Context(), datastores.Store{Universe: "1", ID: "s"}
	for name, call := range map[string]func() error{
		"no thumbnails":  func() error { return c.Thumbnails.DeleteThumbnails(ctx, "1", nil) },
		"a nameless one": func() error { return c.Thumbnails.DeleteThumbnails(ctx, "1", []string{"2", ""}) },
		"no uploads":     func() error { _, err := c.Thumbnails.GetUploadStatus(ctx, "1", []string{}); return err },
		"no universes":   func() error { _, err := c.Universes.ListPermissions(ctx, nil); return err },
		"no user":        func() error { _, err := c.Thumbnails.GetAvatar3D(ctx, ""); return err },
		"no target":      func() error { return c.CreatorStore.DeleteSave(ctx, "", "1", nil) },
		"no id":          func() error { _, err := c.DataStores.CreateEntry(ctx, s, "", datastores.EntryCreate{}); return err },
		"no key":         func() error { return c.DataStores.DeleteEntryV1(ctx, s, "") },
		"no store": func() error {
			_, err := c.DataStores.ListEntriesV1(ctx, datastores.Store{Universe: "1"}, nil)
			return err
		},
		"no key in headers": func() error { _, err := c.Ads.CreateCampaign(ctx, "", ads.CreateCampaignRequest{}); return err },
		"no file":           func() error { _, err := c.Assets.CreateAsset(ctx, assets.CreateAssetRequest{}); return err },
	} {
		err := call()
		if e, ok := errors.AsType[*opencloud.Error](err); !ok || !errors.Is(err, opencloud.ErrInvalidArgument) || e.Status != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}
