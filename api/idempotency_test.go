package api_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/ads"
	"github.com/rblx-go/opencloud/api/restrictions"
)

// Calls that may be sent again with a key are, if they have one; what hides the
// items that it reads is not.
func TestSentAgainAfterABadGateway(t *testing.T) {
	t.Parallel()
	kept := true
	update := restrictions.RestrictionUpdate{GameJoinRestriction: &restrictions.GameJoinRestrictionUpdate{Active: &kept}}
	for name, tt := range map[string]struct {
		call func(*testing.T, *api.Client) error
		sent int
	}{
		"universe's restriction": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.Restrictions.UpdateRestriction(t.Context(), "1", "2", update, &restrictions.UpdateRestrictionParams{IdempotencyKeyKey: "k"})
			return err
		}, 4},
		"place's restriction": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.Restrictions.UpdatePlaceRestriction(t.Context(), "1", "2", "3", update, &restrictions.UpdatePlaceRestrictionParams{IdempotencyKeyKey: "k"})
			return err
		}, 4},
		"restriction without a key": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.Restrictions.UpdateRestriction(t.Context(), "1", "2", update, nil)
			return err
		}, 1},
		"campaign": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.Ads.CreateCampaign(t.Context(), "k", ads.CreateCampaignRequest{})
			return err
		}, 4},
		"campaign without a key": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.Ads.CreateCampaign(t.Context(), "", ads.CreateCampaignRequest{})
			return err
		}, 0},
		"read of a queue": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.MemoryStores.ReadQueueItems(t.Context(), "1", "q", nil)
			return err
		}, 1},
		"read of a map": {func(t *testing.T, c *api.Client) error {
			t.Helper()
			_, err := c.MemoryStores.ListSortedMapItems(t.Context(), "1", "m", nil)
			return err
		}, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			core, err := opencloud.New(opencloud.Options{APIKey: "key", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				sent++
				if r.Body != nil {
					_ = r.Body.Close()
				}
				return &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody, Request: r}, nil
			})}})
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.call(t, api.New(core)); err == nil || sent != tt.sent {
				t.Errorf("%s: sent %d, want %d: %v", name, sent, tt.sent, err)
			}
		})
	}
}
