package oauth_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/storetest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) oauth.Store { return oauth.NewMemoryStore() })
}

func TestMemoryStoreFlows(t *testing.T) {
	t.Parallel()
	storetest.RunFlows(t, func(*testing.T) oauth.FlowStore { return oauth.NewMemoryStore() })
}

func TestMemoryStoreClaimsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := oauth.NewMemoryStore()
		if _, err := s.Swap(t.Context(), "", oauth.Row{GrantID: oauth.NewGrantID(), State: oauth.StateActive}); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{1, 0, 1} {
			rows, err := s.ClaimDue(t.Context(), 1, time.Minute)
			if err != nil || len(rows) != want {
				t.Errorf("claim %d: %d rows (%v), want %d", i, len(rows), err, want)
			}
			time.Sleep(30 * time.Second)
		}
	})
}

func TestMemoryStoreForgetsFlows(t *testing.T) {
	t.Parallel()
	put := func(t *testing.T, s *oauth.MemoryStore, id string, expires time.Time) {
		t.Helper()
		if err := s.PutFlow(t.Context(), oauth.Flow{ID: id, Expires: expires}); err != nil {
			t.Fatal(err)
		}
	}
	take := func(t *testing.T, s *oauth.MemoryStore, id string, want error) {
		t.Helper()
		if _, err := s.TakeFlow(t.Context(), id, ""); err != want { //nolint:errorlint // nil is a case
			t.Errorf("flow %s: %v, want %v", id, err, want)
		}
	}
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := oauth.NewMemoryStore()
			put(t, s, "a", time.Now().Add(time.Minute))
			time.Sleep(time.Hour)
			put(t, s, "b", time.Now().Add(time.Minute))
			take(t, s, "a", oauth.ErrFlowExpired)
			time.Sleep(2 * time.Minute)
			put(t, s, "c", time.Now().Add(time.Minute))
			take(t, s, "a", oauth.ErrFlowUnknown)
			take(t, s, "b", oauth.ErrFlowExpired)
			take(t, s, "c", nil)
		})
	})
	t.Run("in a flood", func(t *testing.T) {
		t.Parallel()
		s := oauth.NewMemoryStore()
		now := time.Now()
		put(t, s, "late", now.Add(time.Hour))
		put(t, s, "early", now.Add(time.Minute))
		for i := range 9_999 {
			put(t, s, strconv.Itoa(i), now.Add(30*time.Minute))
		}
		take(t, s, "early", oauth.ErrFlowUnknown)
		take(t, s, "late", nil)
		take(t, s, "9998", nil)
	})
}
