package storetest

import (
	"strconv"
	"sync"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

// Benchmark measures how many reads and writes a second a store bears from 1, 8
// and 64 clients at once, each with a grant of its own.
func Benchmark(b *testing.B, s oauth.Store) {
	b.Helper()
	for _, operation := range []struct {
		name string
		do   func(b *testing.B, row oauth.Row) (oauth.Row, error)
	}{
		{"Load", func(b *testing.B, row oauth.Row) (oauth.Row, error) { return s.Load(b.Context(), row.GrantID) }},
		{"Swap", func(b *testing.B, row oauth.Row) (oauth.Row, error) { return s.Swap(b.Context(), row.Version, row) }},
	} {
		for _, clients := range []int{1, 8, 64} {
			b.Run(operation.name+"/"+strconv.Itoa(clients), func(b *testing.B) {
				work := make(chan struct{})
				var running sync.WaitGroup
				for range clients {
					row, err := s.Swap(b.Context(), "", sample(oauth.NewGrantID()))
					if err != nil {
						b.Fatal(err)
					}
					running.Go(func() {
						for range work {
							if row, err = operation.do(b, row); err != nil {
								b.Error(err)
							}
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
}
