package sqlitestore

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/storetest"
)

func TestMain(m *testing.M) {
	child()
	goleak.VerifyTestMain(m)
}

// newPath names a database that Open is to create, with its directory.
func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "with ?#%41 in it", "grants.db")
}

func openTest(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sample is a row of some generation; its Sealed is made of it, so that no two
// writes look alike.
func sample(id oauth.GrantID, generation uint64) oauth.Row {
	sealed := make([]byte, 900+generation%700)
	for i := range sealed {
		sealed[i] = byte(generation)
	}
	return oauth.Row{
		GrantID: id, App: "1", Subject: "156", Generation: generation, State: oauth.StateActive,
		RefreshIssued: time.Unix(1_700_000_000, 0), Sealed: sealed,
	}
}

func withIntent(row oauth.Row) oauth.Row {
	row.Intent = &oauth.Intent{ID: "intent", Base: row.Generation, Deadline: bootclock.Now().Add(time.Minute)}
	return row
}

func mustSwap(t testing.TB, s *Store, old oauth.Version, row oauth.Row) oauth.Row {
	t.Helper()
	stored, err := s.Swap(t.Context(), old, row)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func mustLoad(t testing.TB, s *Store, id oauth.GrantID) oauth.Row {
	t.Helper()
	row, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) oauth.Store { return openTest(t, newPath(t)) })
	storetest.RunFlows(t, func(t *testing.T) oauth.FlowStore { return openTest(t, newPath(t)) })
}

func TestConformanceShared(t *testing.T) {
	t.Parallel()
	storetest.RunShared(t, func(t *testing.T) (a, b oauth.Store) {
		path := newPath(t)
		return openTest(t, path), openTest(t, path)
	})
	storetest.RunFlowsShared(t, func(t *testing.T) (a, b oauth.FlowStore) {
		path := newPath(t)
		return openTest(t, path), openTest(t, path)
	})
}
