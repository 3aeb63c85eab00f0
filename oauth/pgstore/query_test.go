package pgstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// No query reads all grants to find a few, or sorts what it found.
func TestQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	s := openTest(t, pgtest.DSN(t))
	epoch := time.Unix(1_700_000_000, 0)
	fill(t, s, 5000, epoch)
	due := epoch.Add(time.Hour)
	for _, tt := range []struct {
		q     oauth.Query
		index string
	}{
		{oauth.Query{}, "grants_pkey"},
		{oauth.Query{Subject: "1"}, "grants_subject"},
		{oauth.Query{State: oauth.StateTombstone}, "grants_state"},
		{oauth.Query{State: oauth.StateActive}, "grants_pkey"},
		{oauth.Query{Due: due}, "grants_due"},
		{oauth.Query{Due: time.Now().Add(time.Hour)}, "grants_pkey"},
		{oauth.Query{Subject: "1", State: oauth.StateActive, Due: due}, "grants_subject"},
	} {
		p := newPages(tt.q)
		p.id, p.issued = "a", epoch.Add(time.Minute)
		query, args := p.query()
		wantIndex(t, s, tt.index, query, args...)
	}
	wantIndex(t, s, "grants_due", claimStatement, 10, 1, []string{})
	wantIndex(t, s, "grants_pkey", loadStatement, "a")
	wantIndex(t, s, "grants_pkey", swapStatement, "a", "v", "1", "active", epoch, "", "old", "run")
}

func wantIndex(t *testing.T, s *Store, index, query string, args ...any) {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), "EXPLAIN "+s.in(query), append([]any{pgx.QueryExecModeExec}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	plan := strings.Join(lines, "\n")
	if !strings.Contains(plan, "using "+index) || strings.Contains(plan, "Seq Scan on grants") || strings.Contains(plan, "Sort") {
		t.Errorf("%s\n%s\n%s\nwant %s", query, fmt.Sprint(args...), plan, index)
	}
}

func TestFindPages(t *testing.T) {
	t.Parallel()
	const n = 2*pageSize + 1
	for name, q := range map[string]oauth.Query{
		"by id":  {},
		"by due": {Due: time.Now().Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openTest(t, pgtest.DSN(t))
			fill(t, s, n, time.Unix(1_700_000_000, 0))
			seen := map[oauth.GrantID]int{}
			for row, err := range s.Find(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[row.GrantID]++; len(seen)%100 == 0 { // writing meanwhile neither waits nor disturbs
					row.RefreshIssued = row.Now
					mustSwap(t, s, row.Version, row)
				}
			}
			for id, times := range seen {
				if times != 1 {
					t.Errorf("grant %s comes %d times", id, times)
				}
			}
			if len(seen) != n {
				t.Errorf("Find yields %d rows of %d", len(seen), n)
			}
		})
	}
}

// The announcement of a refresh touches no index.
func TestIntentsAreHOT(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	s := openTest(t, dsn)
	small := sample(oauth.NewGrantID(), 1)
	small.Sealed = small.Sealed[:16] // so that all versions fit on one page, whoever's snapshots keep them
	row := mustSwap(t, s, "", small)
	const n = 10
	for range n {
		row = mustSwap(t, s, row.Version, withIntent(row))
	}
	s.pool.Reset() // a session that ends tells its statistics
	other := openTest(t, dsn)
	for updates, hot := 0, 0; updates != n; {
		err := other.pool.QueryRow(t.Context(), "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'grants'", s.schema).Scan(&updates, &hot)
		if err != nil {
			t.Fatal(err)
		}
		if updates == n && hot < n {
			t.Errorf("%d of %d updates are HOT", hot, updates)
		}
	}
}

func TestFlowsAreBounded(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	s := openTest(t, dsn)
	pgtest.Exec(t, dsn, fmt.Sprintf(`INSERT INTO flows (id, binding, expires) SELECT 'flow' || i, 'b', now() + i * interval '1 second' FROM generate_series(100, %d) i`, maxFlows+100))
	pgtest.Exec(t, dsn, "INSERT INTO flows (id, binding, expires, used) VALUES ('old', 'b', now() - interval '2 hours', true)")
	if err := s.PutFlow(t.Context(), oauth.Flow{ID: "new", Binding: "b", Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := s.pool.QueryRow(t.Context(), s.in("SELECT count(*) FROM $schema.flows")).Scan(&left); err != nil || left != maxFlows+1 {
		t.Errorf("%d flows are left (%v), want %d", left, err, maxFlows+1)
	}
	for id, want := range map[string]error{"old": oauth.ErrFlowUnknown, "flow100": oauth.ErrFlowUnknown, "flow101": nil, "new": nil} {
		_, err := s.TakeFlow(t.Context(), id, "b")
		if want == nil && err != nil || want != nil && !strings.Contains(fmt.Sprint(err), want.Error()) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
}
