package pgstore

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openTest(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, Options{})
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
	row.Intent = &oauth.Intent{ID: "intent", Base: row.Generation, Deadline: row.Now.Add(time.Minute)}
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
	storetest.Run(t, func(t *testing.T) oauth.Store { return openTest(t, pgtest.DSN(t)) })
	storetest.RunFlows(t, func(t *testing.T) oauth.FlowStore { return openTest(t, pgtest.DSN(t)) })
}

func TestConformanceShared(t *testing.T) {
	t.Parallel()
	shared(t, pgtest.DSN)
}

// Where another isolation is the default, what it refuses is tried again.
func TestConformanceSerializable(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			shared(t, func(t testing.TB) string {
				return pgtest.With(t, pgtest.DSN(t), "default_transaction_isolation", isolation)
			})
		})
	}
}

// shared runs the suite for handles on the same rows.
func shared(t *testing.T, newDSN func(t testing.TB) string) {
	t.Helper()
	storetest.RunShared(t, func(t *testing.T) (a, b oauth.Store) {
		dsn := newDSN(t)
		return openTest(t, dsn), openTest(t, dsn)
	})
	storetest.RunFlowsShared(t, func(t *testing.T) (a, b oauth.FlowStore) {
		dsn := newDSN(t)
		return openTest(t, dsn), openTest(t, dsn)
	})
}
