package oauth

import "time"

// snapshot is a grant's access token as this process knows it. It never
// changes; a newer one takes its place.
type snapshot struct {
	generation uint64
	subject    string
	scope      string
	header     []string // the Authorization header's value, with no room to append
	token      string
	issued     time.Time
	expiry     time.Time // wall clock
	staleAt    moment
	expiredAt  moment
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
		subject:    row.Subject,
		scope:      row.Scope,
		header:     []string{"Bearer " + t.Access},
		token:      t.Access,
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
