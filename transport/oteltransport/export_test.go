package oteltransport

import "github.com/rblx-go/opencloud/transport"

// Kept returns how many series and results are.
func Kept(t transport.Telemetry) (n int) {
	t.(*telemetry).known.series.Range(func(_, s any) bool {
		n++
		s.(*series).results.Range(func(any, any) bool { n++; return true })
		return true
	})
	return n
}
