package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

func TestRateOf(t *testing.T) {
	t.Parallel()
	const unset = "-"
	for _, tt := range []struct {
		limit, remaining, reset string
		want                    transport.Rate
	}{
		{unset, unset, unset, transport.Rate{}},
		{"100", "99", "22", transport.Rate{Known: true, Limit: transport.Limit{Max: 100}, Remaining: 99, Reset: 22 * time.Second}},
		{"1000, 1000;w=60, 1000;w=60", "0, 70000", "22, 0", transport.Rate{Known: true, Limit: transport.Limit{Max: 1000, Per: time.Minute}, Reset: 22 * time.Second}},
		{"5000;w=3600, 100;w=60", "4000, 99", "3000, 22", transport.Rate{Known: true, Limit: transport.Limit{Max: 100, Per: time.Minute}, Remaining: 99, Reset: 22 * time.Second}},
		{unset, "5, 5", "22, 60", transport.Rate{Known: true, Remaining: 5, Reset: time.Minute}},
		{unset, "5, 9", "60", transport.Rate{Known: true, Remaining: 5, Reset: time.Minute}},
		{unset, "5", "1.5", transport.Rate{Known: true, Remaining: 5, Reset: 1500 * time.Millisecond}},
		{"0, -3, x, 1e3", "-1", "1764154000", transport.Rate{}},
		{"99999999999999999999", "many", "NaN", transport.Rate{}},
		{strings.Repeat("7,", 1<<19), strings.Repeat("8,", 1<<19), strings.Repeat(",", 1<<19), transport.Rate{Known: true, Limit: transport.Limit{Max: 7}, Remaining: 8}},
	} {
		h := make(http.Header)
		for name, value := range map[string]string{"Limit": tt.limit, "Remaining": tt.remaining, "Reset": tt.reset} {
			if value != unset {
				h["X-Ratelimit-"+name] = []string{value}
			}
		}
		if got := transport.RateOf(h); got != tt.want {
			t.Errorf("limit %.30q, remaining %.30q, reset %.30q: %+v, want %+v", tt.limit, tt.remaining, tt.reset, got, tt.want)
		}
	}
	two := http.Header{"X-Ratelimit-Remaining": {"70000", "3"}, "X-Ratelimit-Reset": {"0", "22"}}
	if got := transport.RateOf(two); got.Remaining != 3 || got.Reset != 22*time.Second {
		t.Errorf("two lines of a header: %+v", got)
	}
}

// Whatever a header says, what is made of it stays within bounds.
func FuzzRate(f *testing.F) {
	for _, seed := range []string{"22, 0", "1000, 1000;w=60", "-1", "1e400", ";w=;", "Sun, 06 Nov 1994 08:49:37 GMT"} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, limit, remaining, reset string) {
		resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "Retry-After": {limit}, "Date": {remaining},
		}}
		r, wait := transport.RateOf(resp.Header), transport.RetryAfter(resp)
		const day = 24 * time.Hour
		if r.Limit.Max < 0 || r.Limit.Per < 0 || r.Limit.Per > day || r.Remaining < 0 || r.Reset < 0 || r.Reset > day || wait < 0 || wait > day {
			t.Fatalf("%+v, wait %v", r, wait)
		}
	})
}
