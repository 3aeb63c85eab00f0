package oauth

import "time"

// snapshot is a grant's access token as this process knows it. It never
// changes; a newer one takes its place. There are as many as grants are in
// use, so it holds the token once, in the header.
type snapshot struct {
	generation uint64
	bearer     [1]string // the Authorization header's value
	issued     time.Time
	expiry     time.Time // wall clock
	staleAt    moment
	expiredAt  moment
}

const bearerPrefix = "Bearer "

// header is the Authorization header's value, with no room to append.
func (s *snapshot) header() []string { return s.bearer[:] }

func (s *snapshot) token() string { return s.bearer[0][len(bearerPrefix):] }

// size is about what a snapshot takes of memory.
func (s *snapshot) size() int {
	if s == nil {
		return 0
	}
	const fields = 144
	return fields + len(s.bearer[0]) + len(s.bearer[0])/8 // allocations are rounded up
}

// moment is an instant on both clocks. It has passed when either says so: the
// wall clock may be stepped back, the monotonic one stops in suspend.
type moment struct {
	mono time.Time
	wall int64
}

// momentAt carries a wall-clock time over to the monotonic clock of now.
func momentAt(t, now time.Time) moment {
	return moment{mono: now.Add(t.Sub(now.Round(0))), wall: t.UnixNano()}
}

func (m moment) passed(now time.Time) bool {
	return !now.Before(m.mono) || now.UnixNano() >= m.wall
}

func newSnapshot(row Row, t tokens, w windows) *snapshot {
	now := time.Now()
	expiry := row.Expiry.Round(0)
	s := &snapshot{
		generation: row.Generation,
		bearer:     [1]string{bearerPrefix + t.Access},
		issued:     row.RefreshIssued,
		expiry:     expiry,
		staleAt:    momentAt(expiry.Add(-w.stale), now),
		expiredAt:  momentAt(expiry.Add(-w.early), now),
	}
	if t.Access == "" {
		s.staleAt, s.expiredAt = moment{}, moment{}
	}
	return s
}
