package stores

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	p := Place{Kind: "redis", URL: redistest.Shared(t) + "?prefix=rblx-test-" + rand.Text()}
	row := oauth.Row{GrantID: oauth.NewGrantID(), State: oauth.StateActive}
	s := opened(t)(p.Open(t.Context()))
	stored, err := s.Swap(t.Context(), "", row)
	if err != nil {
		t.Fatal(err)
	}
	s = opened(t)(p.OpenExisting(t.Context()))
	if err := s.Delete(t.Context(), row.GrantID, stored.Version); err != nil {
		t.Error(err)
	}
}

func TestCheckRedis(t *testing.T) {
	t.Parallel()
	if err := checkRedis("rediss://u:p@h:1/2?addr=h2:3&prefix=mine"); err != nil {
		t.Error(err)
	}
	for _, url := range []string{"127.0.0.1:6379", "http://u:hush@h", "redis://u:hush@h:port"} {
		if err := checkRedis(url); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
