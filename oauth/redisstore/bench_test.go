package redisstore

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

// BenchmarkRefresh is what one rotation costs: an intent and a commit.
func BenchmarkRefresh(b *testing.B) {
	s := openTest(b)
	row := mustSwap(b, s, "", sample(oauth.NewGrantID(), 1))
	for b.Loop() {
		row = mustSwap(b, s, row.Version, withIntent(row))
		row = mustSwap(b, s, row.Version, sample(row.GrantID, row.Generation+1))
	}
}

// BenchmarkSwap has clients write a grant each, and BenchmarkLoad read one, on
// servers that flush more and more of it.
func BenchmarkSwap(b *testing.B) {
	onEachServer(b, func(b *testing.B, s *Store, row oauth.Row, n int) {
		b.Helper()
		for range n {
			row = mustSwap(b, s, row.Version, row)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	onEachServer(b, func(b *testing.B, s *Store, row oauth.Row, n int) {
		b.Helper()
		for range n {
			mustLoad(b, s, row.GrantID)
		}
	})
}

func onEachServer(b *testing.B, work func(b *testing.B, s *Store, row oauth.Row, n int)) {
	b.Helper()
	for _, server := range []struct {
		name     string
		settings []string
	}{
		{"kept=no", nil},
		{"kept=everysec", []string{"appendonly", "yes", "appendfsync", "everysec"}},
		{"kept=always", []string{"appendonly", "yes", "appendfsync", "always"}},
	} {
		for _, clients := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", server.name, clients), func(b *testing.B) {
				s := openWith(b, Options{URL: redistest.Start(b, server.settings...).URL() + "?pool_size=64", Volatile: true})
				rows := make([]oauth.Row, clients)
				for i := range rows {
					rows[i] = mustSwap(b, s, "", sample(oauth.NewGrantID(), 1))
				}
				b.ResetTimer()
				var wg sync.WaitGroup
				for i, row := range rows {
					wg.Go(func() { work(b, s, row, b.N/clients+min(1, max(0, b.N%clients-i))) })
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "operations/s")
			})
		}
	}
}
