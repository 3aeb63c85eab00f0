package transport_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// honest is a server that counts in fixed windows aligned to its own clock, and
// answers 429 from the first request too many. It runs on the time of a
// synctest bubble.
type honest struct {
	max     int
	per     time.Duration
	skew    time.Duration // of its clock
	there   time.Duration // until a request is counted
	back    time.Duration // until its answer is received
	jitter  bool          // latencies vary
	silent  bool          // sends no headers
	foreign int           // requests that others send at the beginning of each window

	sent     atomic.Int64
	mu       sync.Mutex
	windows  map[int64]int // requests let through, by window
	refused  int
	arrivals []string // what x-caller said, in the order of arrival
}

func (s *honest) RoundTrip(r *http.Request) (*http.Response, error) {
	quick := time.Duration(1)
	if s.jitter {
		quick += time.Duration(s.sent.Add(7919)) % 5 // some are up to five times as quick
	}
	time.Sleep(s.there / quick)
	resp := s.answer(r)
	time.Sleep(s.back / quick)
	return resp, nil
}

func (s *honest) answer(r *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().Add(s.skew)
	window := now.UnixNano() / int64(s.per)
	if s.windows == nil {
		s.windows = make(map[int64]int)
	}
	resp := &http.Response{StatusCode: http.StatusOK, Header: make(http.Header), Body: http.NoBody, Request: r}
	room := s.max - s.foreign - s.windows[window]
	if room <= 0 {
		s.refused++
		resp.StatusCode = http.StatusTooManyRequests
	} else {
		s.windows[window]++
		room--
		s.arrivals = append(s.arrivals, r.Header.Get("X-Caller"))
	}
	if !s.silent {
		left := time.Duration((window+1)*int64(s.per) - now.UnixNano())
		resp.Header.Set("X-Ratelimit-Limit", fmt.Sprintf("%d, %d;w=%d", s.max, s.max, int(s.per.Seconds())))
		resp.Header.Set("X-Ratelimit-Remaining", strconv.Itoa(room))
		resp.Header.Set("X-Ratelimit-Reset", strconv.Itoa(int((left+time.Second-1)/time.Second)))
	}
	return resp
}
