package filestore

import (
	"testing"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/storetest"
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

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, openTest(b, newDir(b))) }
