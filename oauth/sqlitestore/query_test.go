package sqlitestore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// No query reads all grants to find a few, or sorts what it found.
func TestQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	s := openTest(t, newPath(t))
	due := time.Now()
	for _, q := range []oauth.Query{
		{},
		{Subject: "1"},
		{State: oauth.StateTombstone},
		{Due: due},
		{Subject: "1", State: oauth.StateActive, Due: due},
	} {
		query, args := pageQuery(q, "a")
		wantIndex(t, s, query, args...)
	}
	wantIndex(t, s, claimQuery, "boot", 1)
	wantIndex(t, s, selectGrant, "a")
	wantIndex(t, s, "DELETE FROM flows WHERE expires < ?", 1)
}

func wantIndex(t *testing.T, s *Store, query string, args ...any) {
	t.Helper()
	rows, err := s.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(detail, "INDEX") || strings.Contains(detail, "TEMP") {
			t.Errorf("%s\n%s", query, detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

func TestFindPages(t *testing.T) {
	t.Parallel()
	const n = 2*pageSize + 1
	s := openTest(t, newPath(t))
	if _, err := s.writer.ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil {
		t.Fatal(err)
	}
	for range n {
		mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	}
	seen := map[oauth.GrantID]bool{}
	for row, err := range s.Find(t.Context(), oauth.Query{Due: time.Now()}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[row.GrantID] = true
		if len(seen)%100 == 0 { // writing meanwhile neither waits nor disturbs
			mustSwap(t, s, row.Version, row)
		}
	}
	if len(seen) != n {
		t.Errorf("Find yields %d rows of %d", len(seen), n)
	}
}

func TestFlowsAreBounded(t *testing.T) {
	t.Parallel()
	s := openTest(t, newPath(t))
	change(t, s.path, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO flows (id, binding, expires) SELECT 'flow' || i, 'b', ? + i FROM n`, maxFlows), time.Now().Add(time.Minute).UnixMicro())
	change(t, s.path, "INSERT INTO flows (id, binding, expires, used) VALUES ('old', 'b', ?, 1)", time.Now().Add(-2*flowMemory).UnixMicro())

	if err := s.PutFlow(t.Context(), oauth.Flow{ID: "new", Binding: "b", Expires: time.Now().Add(time.Second)}); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := s.reader.QueryRowContext(t.Context(), "SELECT count(*) FROM flows").Scan(&left); err != nil || left != maxFlows {
		t.Errorf("%d flows are left (%v), want %d", left, err, maxFlows)
	}
	for id, want := range map[string]error{"old": oauth.ErrFlowUnknown, "flow1": oauth.ErrFlowUnknown, "flow2": nil, "new": nil} {
		_, err := s.TakeFlow(t.Context(), id, "b")
		if want == nil && err != nil || want != nil && !strings.Contains(fmt.Sprint(err), want.Error()) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
}
