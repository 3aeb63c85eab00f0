package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

func claim(t *testing.T, s oauth.Store, n int, ttl time.Duration) []oauth.Row {
	t.Helper()
	rows, err := s.ClaimDue(t.Context(), n, ttl)
	if err != nil {
		t.Fatalf("ClaimDue: %v", err)
	}
	return rows
}

func testClaimDue(t *testing.T, s oauth.Store) {
	rows := populate(t, s, 30, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) // ten are active: 0, 3, 6 ...
	if got := claim(t, s, 0, time.Hour); len(got) != 0 {
		t.Errorf("claiming none claimed %d", len(got))
	}
	next := 0
	for _, n := range []int{1, 4, 100} {
		got := claim(t, s, n, time.Hour)
		if want := min(n, 10-next/3); len(got) != want {
			t.Fatalf("claimed %d rows, want %d", len(got), want)
		}
		seen := map[oauth.GrantID]bool{}
		for _, row := range got {
			seen[row.GrantID] = true
			if row.Version == "" || row.Now.IsZero() || row.StoreRun == "" {
				t.Errorf("a claimed row lacks what the store fills in")
			}
		}
		for range got { // the oldest, in any order
			if !seen[rows[next].GrantID] {
				t.Errorf("active row %d is older than one that was claimed", next)
			}
			next += 3
		}
	}
	if got := claim(t, s, 100, time.Hour); len(got) != 0 {
		t.Errorf("%d rows were claimed twice", len(got))
	}
	for _, row := range rows { // a claim changes no row
		if load(t, s, row.GrantID).Version != row.Version {
			t.Fatal("a claim changed a version")
		}
	}
}

func testClaimDueLease(t *testing.T, s oauth.Store) {
	row := create(t, s, sample(oauth.NewGrantID()))
	if got := claim(t, s, 1, -time.Second); len(got) != 1 {
		t.Fatalf("claimed %d rows, want 1", len(got))
	}
	if got := claim(t, s, 1, time.Hour); len(got) != 1 {
		t.Fatal("a claim that is over hides its row")
	}
	row = swap(t, s, row.Version, row)
	if got := claim(t, s, 1, time.Hour); len(got) != 0 {
		t.Error("a swap ended a claim")
	}
	if err := s.Delete(t.Context(), row.GrantID, row.Version); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, s, 1, time.Hour); len(got) != 0 {
		t.Error("a deleted row was claimed")
	}
}

func testClaimDueRace(t *testing.T, s oauth.Store) { raceClaim(t, s) }

func raceClaim(t *testing.T, stores ...oauth.Store) {
	const rows = 24
	for range rows {
		create(t, stores[0], sample(oauth.NewGrantID()))
	}
	var (
		mu  sync.Mutex
		all []oauth.GrantID
	)
	race(8, func(i int) {
		got, err := stores[i%len(stores)].ClaimDue(t.Context(), 5, time.Hour)
		if err != nil {
			t.Errorf("ClaimDue: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, row := range got {
			all = append(all, row.GrantID)
		}
	})
	if len(all) != rows {
		t.Errorf("%d claims of %d rows", len(all), rows)
	}
	unique(t, "claimed rows", all, func(id oauth.GrantID) string { return string(id) })
}
