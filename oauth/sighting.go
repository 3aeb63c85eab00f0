package oauth

import (
	"math"
	"time"
)

// sighting is an intent that a process found in a row, and since when it has
// watched it, on its own monotonic clock.
type sighting struct {
	id       string
	deadline time.Time
	since    time.Time
}

// longWatched is as good as any time: nobody has to watch for longer.
const longWatched = math.MaxInt64

// watched returns for how long the row's intent has been watched here. One with
// another deadline is another: a failover extends it. A flight lock tells more:
// it is free only once the flight under the intent has ended, and then nobody
// has an answer left to commit.
func (s *grantState) watched(row Row, now time.Time) time.Duration {
	intent := row.Intent
	if _, ok := s.app.store.(FlightLocker); ok {
		return longWatched
	}
	switch {
	case intent == nil:
		s.seen = nil
		return 0
	case s.seen == nil || s.seen.id != intent.ID || !s.seen.deadline.Equal(intent.Deadline):
		s.seen = &sighting{id: intent.ID, deadline: intent.Deadline, since: now}
	}
	return now.Sub(s.seen.since)
}
