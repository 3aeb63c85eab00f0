package filestore

import (
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

// BenchmarkRefresh is what one rotation costs: an intent and a commit.
func BenchmarkRefresh(b *testing.B) {
	s := openTest(b, newDir(b))
	row := mustSwap(b, s, "", sample(oauth.NewGrantID(), 1))
	for b.Loop() {
		row = mustSwap(b, s, row.Version, withIntent(row))
		row = mustSwap(b, s, row.Version, sample(row.GrantID, row.Generation+1))
	}
}

// BenchmarkSwap writes many grants at once.
func BenchmarkSwap(b *testing.B) {
	s := openTest(b, newDir(b))
	b.RunParallel(func(pb *testing.PB) {
		row := mustSwap(b, s, "", sample(oauth.NewGrantID(), 1))
		for pb.Next() {
			row = mustSwap(b, s, row.Version, row)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

func BenchmarkLoad(b *testing.B) {
	s := openTest(b, newDir(b))
	row := mustSwap(b, s, "", sample(oauth.NewGrantID(), 1))
	for b.Loop() {
		mustLoad(b, s, row.GrantID)
	}
}
