//go:build unix

package pgstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// Behind a pooler that gives each transaction another connection, all is as it
// is without.
func TestPooler(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	pooled := pgtest.Pooler(t, dsn)
	shared(t, func(t testing.TB) string { return pgtest.With(t, pooled, "search_path", schemaOf(t, pgtest.DSN(t))) })

	s, err := Open(t.Context(), pooled, Options{ListenDSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	told := watched(t, s)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	hear(t, told, row.GrantID)
}

// Through the pooler itself nothing would be heard, and Watch does not say that
// it listens.
func TestWatchThroughPooler(t *testing.T) {
	t.Parallel()
	s := openTest(t, pgtest.Pooler(t, pgtest.DSN(t)))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Watch(ctx, func(id oauth.GrantID) { t.Errorf("%q was told", id) }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Watch: %v", err)
	}
}
