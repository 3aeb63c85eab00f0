package transport

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxSeconds is the longest time that a header is believed to mean, a day. More
// is a mistake, or a point in time where a length was due.
const maxSeconds = 24 * 60 * 60

// Rate is what a response tells of its rate limit.
type Rate struct {
	// Known is false if the response tells nothing.
	Known bool
	// Limit is the limit in force; zero if not told. Its Per may be zero alone.
	Limit Limit
	// Remaining is how many more requests the current window takes.
	Remaining int
	// Reset is how long the window lasts from the response on, in whole seconds
	// rounded up.
	Reset time.Duration
}

// RateOf reads the headers x-ratelimit-limit, -remaining and -reset. Gateways
// in a row each add their own values, as in "70000, 3" and "22, 60": what
// counts is the least that remains and, where several windows remain alike or
// the lists do not match, the longest reset. What is no number is skipped.
func RateOf(h http.Header) Rate {
	var r Rate
	var room [3][4]string // for what is sent, off the heap
	limits := elements(room[0][:0], h, "X-Ratelimit-Limit")
	remaining := elements(room[1][:0], h, "X-Ratelimit-Remaining")
	resets := elements(room[2][:0], h, "X-Ratelimit-Reset")
	for _, s := range limits {
		number, parameters, _ := strings.Cut(s, ";")
		n, ok := count(number)
		if !ok || n == 0 || r.Limit.Max != 0 && n > r.Limit.Max {
			continue
		}
		per := windowOf(parameters)
		if n == r.Limit.Max {
			per = max(per, r.Limit.Per)
		}
		r.Limit = Limit{Max: n, Per: per}
	}
	for i, s := range remaining {
		n, ok := count(s)
		if !ok || r.Known && n > r.Remaining {
			continue
		}
		var reset time.Duration
		if len(resets) == len(remaining) {
			reset = seconds(resets[i])
		}
		if r.Known && n == r.Remaining {
			reset = max(reset, r.Reset)
		}
		r.Known, r.Remaining, r.Reset = true, n, reset
	}
	if len(resets) != len(remaining) {
		r.Reset = longest(resets)
	}
	return r
}

// RetryAfter returns the longest wait that a response asks for, at most a day;
// zero if it asks for none. Retry-After (RFC 9110 section 10.2.3) may be a date,
// which is taken relative to the response's own, so that the clocks need not
// agree; and it may understate: with status 429 all of x-ratelimit-reset count
// too. Other responses carry those as a matter of course.
func RetryAfter(resp *http.Response) time.Duration {
	var wait time.Duration
	if value := resp.Header.Get("Retry-After"); value != "" {
		if at, err := http.ParseTime(value); err == nil {
			now, err := http.ParseTime(resp.Header.Get("Date"))
			if err != nil {
				now = time.Now()
			}
			wait = at.Sub(now)
		} else if n, err := strconv.ParseFloat(value, 64); err == nil && n > 0 {
			wait = time.Duration(min(n, maxSeconds) * float64(time.Second))
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		wait = max(wait, longest(elements(nil, resp.Header, "X-Ratelimit-Reset")))
	}
	return min(max(wait, 0), maxSeconds*time.Second)
}

// maxElements is the most of a list that is read. Nobody honest sends more than
// a few.
const maxElements = 16

// elements appends those of a header that is a list, of which there may be
// several lines.
func elements(all []string, h http.Header, name string) []string {
	for _, line := range h[name] {
		for more := true; more && len(all) < maxElements; {
			var s string
			s, line, more = strings.Cut(line, ",")
			all = append(all, s)
		}
	}
	return all
}

// windowOf reads the w of "1000;w=60".
func windowOf(parameters string) time.Duration {
	for parameters != "" {
		var p string
		p, parameters, _ = strings.Cut(parameters, ";")
		if value, ok := strings.CutPrefix(strings.TrimSpace(p), "w="); ok {
			return seconds(value)
		}
	}
	return 0
}

func longest(resets []string) time.Duration {
	var d time.Duration
	for _, s := range resets {
		d = max(d, seconds(s))
	}
	return d
}

// count reads a number below 2 to the 31st. It is asked a few times per answer.
func count(s string) (int, bool) {
	var n int64
	s = strings.TrimSpace(s)
	for i := range len(s) {
		digit := s[i] - '0'
		if n = 10*n + int64(digit); digit > 9 || n > math.MaxInt32 {
			return 0, false
		}
	}
	return int(n), s != ""
}

// seconds returns 0 for what is no number of seconds up to a day.
func seconds(s string) time.Duration {
	s = strings.TrimSpace(s)
	if n, ok := count(s); ok && n <= maxSeconds {
		return time.Duration(n) * time.Second // as nearly all are
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0 && n <= maxSeconds) {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
