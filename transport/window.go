package transport

import "time"

// window is a fixed window of a rate limit, as far as can be told from outside
// how the server counts it. Before an answer has told, it ends with the full
// minute (or other period) of our own clock.
type window struct {
	limit   Limit
	guessed bool // nobody has told limit.Per
	// ends is never before the server's own end, and at most a second and the
	// time of an answer after it, because resets are rounded up.
	ends time.Time
	told bool          // ends is the server's
	lag  time.Duration // how long answers take
	// number counts windows, so that an answer is known to be of this one.
	number int
	used   int
	// late is how many of used were sent so shortly before ends that the server
	// may count them in the next window.
	late int
	// blocked is until when the server wants nothing to be sent.
	blocked time.Time
}

// turn is a request that was counted.
type turn struct {
	number int
	late   bool
	at     time.Time
}

// maxBlock bounds what one answer can do to all who wait: after it, one of them
// asks again.
const maxBlock = 5 * time.Minute

// margin is the time before the end of a window in which it is not sure whether
// what is sent then counts in this window or the next: the second that resets
// are rounded by, and as long as answers take.
func (w *window) margin() time.Duration {
	lag := w.lag
	if lag == 0 {
		lag = time.Second
	}
	return min(w.limit.Per/2, time.Second+lag)
}

// roll begins a new window if now is past the end of this one. Ends are a
// multiple of the period apart.
func (w *window) roll(now time.Time) {
	if w.limit.Max <= 0 || now.Before(w.ends) {
		return
	}
	w.number++
	if w.ends.IsZero() {
		w.ends = now.Add(w.limit.Per - time.Duration(now.UnixNano()%int64(w.limit.Per)))
		return
	}
	passed := now.Sub(w.ends)/w.limit.Per + 1
	w.ends = w.ends.Add(passed * w.limit.Per)
	w.used = 0
	if passed == 1 {
		w.used = w.late
	}
	w.late = 0
}

// take counts a request, or returns how long to wait until there is room for it.
func (w *window) take(now time.Time) (turn, time.Duration) {
	w.roll(now)
	if wait := w.until(now, 0); wait > 0 {
		return turn{}, wait
	}
	t := turn{number: w.number, at: now}
	if w.limit.Max > 0 {
		w.used++
		if w.ends.Sub(now) <= w.margin() {
			t.late = true
			w.late++
		}
	}
	return t, 0
}

// until estimates when there is room for one more request if others are taken
// before it.
func (w *window) until(now time.Time, others int) time.Duration {
	wait := max(w.blocked.Sub(now), 0)
	if w.limit.Max <= 0 {
		return wait
	}
	if before := min(w.used, w.limit.Max) + others; before >= w.limit.Max {
		wait = max(wait, w.ends.Sub(now)+time.Duration(before/w.limit.Max-1)*w.limit.Per)
	}
	return wait
}

// untake forgets a request that was not sent.
func (w *window) untake(t turn) {
	if t.number != w.number || w.used == 0 {
		return
	}
	w.used--
	if t.late && w.late > 0 {
		w.late--
	}
}

// answered corrects the window by what the server says.
func (w *window) answered(t turn, now time.Time, refused bool, r Rate, wait time.Duration) {
	if refused {
		w.blocked = latest(w.blocked, now.Add(min(wait, maxBlock)))
	}
	if r.Limit.Max > 0 && w.adopt(r.Limit, now) {
		t.number, w.used = w.number, 1
	}
	if w.limit.Max <= 0 || t.number != w.number {
		return
	}
	if r.Known {
		// Rises at once and falls slowly.
		lag := now.Sub(t.at)
		w.lag = max(lag, w.lag-(w.lag-lag)/16)
		w.align(t, now, r)
		w.used = max(w.used, w.limit.Max-r.Remaining)
	}
	if refused && wait == 0 {
		w.used = max(w.used, w.limit.Max)
	}
}

// adopt replaces what the description says of the limit. It reports whether
// that said nothing, so that this is the first window.
func (w *window) adopt(l Limit, now time.Time) (first bool) {
	if l.Per >= time.Second {
		w.guessed = false
	} else if l.Per = w.limit.Per; l.Per == 0 {
		l.Per, w.guessed = time.Minute, true
	}
	first = w.limit.Max <= 0
	w.limit = l
	if first {
		w.roll(now)
	}
	return first
}

// align moves the end of the window to where the server has it. An answer says
// it to the second: between what it was sent and what it was received with.
func (w *window) align(t turn, now time.Time, r Rate) {
	if r.Reset <= 0 {
		return
	}
	reset := min(r.Reset, w.longest())
	end := now.Add(reset)
	switch {
	case !w.told:
		w.ends, w.told = end, true
		if reset < w.margin() {
			w.late = w.used // all of it was sent until now
		}
	case t.at.Add(reset - time.Second).After(w.ends):
		// The server is in its next window already. What was sent of late may be
		// counted there, as this request is.
		w.number++
		w.ends, w.used, w.late = end, w.late, 0
	case end.Before(w.ends):
		w.ends = end
	}
}

// longest is the most that is left of a window: a reset that is further away is
// a mistake, in milliseconds perhaps, and would stop everybody until then.
func (w *window) longest() time.Duration {
	if w.guessed {
		return maxBlock
	}
	return w.limit.Per + w.margin()
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// idle reports whether nothing is lost by forgetting the window.
func (w *window) idle(now time.Time) bool {
	return !now.Before(w.ends.Add(w.margin())) && !now.Before(w.blocked)
}
