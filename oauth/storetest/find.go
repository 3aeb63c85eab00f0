package storetest

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

var states = []oauth.State{oauth.StateActive, oauth.StateNeedsReauth, oauth.StateTombstone} //nolint:gochecknoglobals // constants

// populate stores n rows over ten subjects and all states, the i-th issued i
// minutes after epoch.
func populate(t *testing.T, s oauth.Store, n int, epoch time.Time) []oauth.Row {
	t.Helper()
	rows := make([]oauth.Row, n)
	for i := range rows {
		row := sample(oauth.NewGrantID())
		row.Subject = strconv.Itoa(i % 10)
		row.State = states[i%len(states)]
		row.RefreshIssued = epoch.Add(time.Duration(i) * time.Minute)
		rows[i] = create(t, s, row)
	}
	return rows
}

func testFind(t *testing.T, s oauth.Store) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := populate(t, s, 120, epoch)
	due := epoch.Add(60 * time.Minute) // exactly when the 61st was issued
	for _, q := range []oauth.Query{
		{},
		{Subject: "3"},
		{Subject: "none"},
		{State: oauth.StateTombstone},
		{Due: due},
		{Subject: "3", State: oauth.StateActive},
		{Subject: "3", State: oauth.StateActive, Due: due},
		{State: oauth.StateNeedsReauth, Due: due},
	} {
		var want, got []oauth.GrantID
		for i, row := range rows {
			if (q.Subject == "" || row.Subject == q.Subject) && (q.State == "" || row.State == q.State) &&
				(q.Due.IsZero() || (row.State == oauth.StateActive && i < 60)) {
				want = append(want, row.GrantID)
			}
		}
		for row, err := range s.Find(t.Context(), q) {
			if err != nil {
				t.Fatalf("Find(%+v): %v", q, err)
			}
			got = append(got, row.GrantID)
			i := slices.IndexFunc(rows, func(r oauth.Row) bool { return r.GrantID == row.GrantID })
			if i < 0 || diff(rows[i], row) != "" || rows[i].Version != row.Version || row.Now.IsZero() || row.StoreRun != rows[i].StoreRun {
				t.Fatalf("Find(%+v) yields a row that was not stored so", q)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("Find(%+v) yields %d rows, want %d, or others", q, len(got), len(want))
		}
	}
}

func testFindBreak(t *testing.T, s oauth.Store) {
	populate(t, s, 20, time.Now())
	for range 3 {
		n := 0
		for _, err := range s.Find(t.Context(), oauth.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 5 {
				break
			}
		}
		if n != 5 {
			t.Errorf("a loop that breaks at 5 saw %d rows", n)
		}
	}
	create(t, s, sample(oauth.NewGrantID())) // nothing is held by a broken loop
}

func testFindWhileSwapping(t *testing.T, s oauth.Store) {
	rows := populate(t, s, 20, time.Now())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i, row := range rows {
			row.Generation = uint64(i)
			if _, err := s.Swap(t.Context(), row.Version, row); err != nil {
				t.Errorf("Swap: %v", err)
			}
		}
	})
	defer wg.Wait()
	var seen []oauth.GrantID
	for row, err := range s.Find(t.Context(), oauth.Query{}) {
		if err != nil {
			t.Errorf("Find: %v", err)
			break
		}
		seen = append(seen, row.GrantID)
		if _, err := s.Load(t.Context(), row.GrantID); err != nil { // a loop's body may use the store
			t.Errorf("Load in the loop: %v", err)
		}
	}
	if len(seen) != len(rows) {
		t.Errorf("saw %d of %d rows", len(seen), len(rows))
	}
	unique(t, "rows of Find", seen, func(id oauth.GrantID) string { return string(id) })
}
