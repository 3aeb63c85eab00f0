package opencloud_test

import (
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/rblx-go/opencloud"
)

// zeros is a source of n bytes that are nowhere in memory.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	z.left -= n
	return int(n), nil
}

// BenchmarkUpload sends 1 GiB in parts over a socket and reports what it
// allocates in all, of which the peak is a part.
func BenchmarkUpload(b *testing.B) {
	const size = 1 << 30
	c := serving(b, func(_ http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n < size || err != nil {
			b.Errorf("%d bytes, %v", n, err)
		}
	})
	b.SetBytes(size)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := new(opencloud.Multipart)
		m.Add("request", struct{ Name string }{"x"})
		m.Add("fileContent", opencloud.File{Name: "a.mp4", Content: &zeros{size}})
		if err := opencloud.Exec(b.Context(), c, upload, opencloud.Request{Body: m}); err != nil {
			b.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/(1<<20), "MiB-allocated")
	}
}
