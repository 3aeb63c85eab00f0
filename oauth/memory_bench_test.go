package oauth_test

import (
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

// BenchmarkSwap writes many grants at once.
func BenchmarkSwap(b *testing.B) {
	s := oauth.NewMemoryStore()
	b.RunParallel(func(pb *testing.PB) {
		row := oauth.Row{GrantID: oauth.NewGrantID(), Sealed: make([]byte, 1000)}
		for pb.Next() {
			var err error
			if row, err = s.Swap(b.Context(), row.Version, row); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
