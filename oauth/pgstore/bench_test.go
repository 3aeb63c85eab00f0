package pgstore

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// clients measures an operation by 1, 8 and 64 clients at once, each of which
// has a connection and a grant of its own among others.
func clients(b *testing.B, others int, operation func(b *testing.B, s *Store, row oauth.Row) oauth.Row) {
	b.Helper()
	for _, n := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := openTest(b, pgtest.With(b, pgtest.DSN(b), "pool_max_conns", strconv.Itoa(n)))
			fill(b, s, others, time.Unix(1_600_000_000, 0))
			rows := make([]oauth.Row, n)
			for i := range rows {
				rows[i] = mustSwap(b, s, "", sample(oauth.NewGrantID(), 1))
			}
			work := make(chan struct{})
			var running sync.WaitGroup
			for _, row := range rows {
				running.Go(func() {
					for range work {
						row = operation(b, s, row)
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			running.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	clients(b, 0, func(b *testing.B, s *Store, row oauth.Row) oauth.Row {
		b.Helper()
		return mustLoad(b, s, row.GrantID)
	})
}

// BenchmarkIntent is half of what a rotation costs, and nobody is told of it.
func BenchmarkIntent(b *testing.B) {
	clients(b, 0, func(b *testing.B, s *Store, row oauth.Row) oauth.Row {
		b.Helper()
		return mustSwap(b, s, row.Version, withIntent(row))
	})
}

// BenchmarkCommit is the other half, of which others are told.
func BenchmarkCommit(b *testing.B) {
	clients(b, 0, func(b *testing.B, s *Store, row oauth.Row) oauth.Row {
		b.Helper()
		next := sample(row.GrantID, row.Generation+1)
		next.RefreshIssued = row.Now
		return mustSwap(b, s, row.Version, next)
	})
}

// BenchmarkClaim claims one grant of ten thousand at a time.
func BenchmarkClaim(b *testing.B) {
	clients(b, 10_000, func(b *testing.B, s *Store, row oauth.Row) oauth.Row {
		b.Helper()
		if rows, err := s.ClaimDue(b.Context(), 1, time.Millisecond); err != nil || len(rows) != 1 {
			b.Error(len(rows), err)
		}
		return row
	})
}
