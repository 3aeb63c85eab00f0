package api_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/datastores"
)

// BenchmarkIterate walks 1,000,000 entries in pages of 256, the largest that the
// API gives, and reports how far the live heap rises above that of one page.
func BenchmarkIterate(b *testing.B) {
	const entries, perPage = 1_000_000, 256
	core, err := opencloud.New(opencloud.Options{APIKey: "k", Unpaced: true, HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		start, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
		var page strings.Builder
		page.WriteString(`{"dataStoreEntries":[`)
		n := min(perPage, entries-start)
		for i := range n {
			if i > 0 {
				page.WriteByte(',')
			}
			fmt.Fprintf(&page, `{"path":"universes/1/data-stores/S/entries/player_%d","id":"player_%d"}`, start+i, start+i)
		}
		page.WriteString(`]`)
		if start+n < entries {
			fmt.Fprintf(&page, `,"nextPageToken":"%d"`, start+n)
		}
		page.WriteString(`}`)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(page.String())), Request: r}, nil
	})}})
	if err != nil {
		b.Fatal(err)
	}
	c := datastores.New(core)
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before, most, n := live(), uint64(0), 0
		for _, err := range c.Entries(b.Context(), datastores.Store{Universe: "1", ID: "S"}, &datastores.ListEntriesParams{MaxPageSize: perPage}) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n%100_000 == 0 {
				most = max(most, live())
			}
		}
		if n != entries {
			b.Fatalf("%d entries", n)
		}
		b.ReportMetric(float64(max(most, before)-before)/(1<<10), "peak-KiB")
	}
}
