package oauth

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// circuit keeps an App from refreshing while the provider cannot answer well:
// while it is down or asks to wait, while it does not know our client, and
// while it refuses one refresh token after the other, which is more likely its
// fault or ours than every user's wish at once. Tokens are kept meanwhile.
type circuit struct {
	mu        sync.Mutex
	openUntil time.Time
	why       error
	failures  int // unanswered requests and server errors in a row
	refusals  recent
	successes recent
	refusing  time.Time // when a rise of refusals was first seen, zero after a success
}

const (
	circuitFailures = 5 // in a row, until it opens
	circuitLongest  = 30 * time.Second
	circuitPause    = time.Minute     // for a client that is not known, and for refusals
	circuitRetry    = 5 * time.Minute // the most that a Retry-After is heeded
	circuitPatience = time.Hour       // then refusals are believed all the same
)

// recent is a ring of the last times that something happened.
type recent struct {
	at [10]time.Time
	n  int
}

func (r *recent) add(now time.Time) { r.at[r.n%len(r.at)] = now; r.n++ }

// full reports whether it happened as often within the pause as the ring holds.
func (r *recent) full(now time.Time) bool {
	return r.n >= len(r.at) && now.Sub(r.at[r.n%len(r.at)]) < circuitPause
}

// closed returns nil if a refresh may be sent.
func (c *circuit) closed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.openUntil) {
		return nil
	}
	return fmt.Errorf("%w until %s: %w", ErrProviderDown, c.openUntil.UTC().Format(time.TimeOnly), c.why)
}

// reopensAt is when refreshes may be sent again, in the past if they may now.
func (c *circuit) reopensAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.openUntil
}

// note learns from the outcome of a token request.
func (c *circuit) note(fail *ProviderError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case fail == nil:
		c.failures, c.refusing = 0, time.Time{}
		c.successes.add(now)
	case fail.Code == "invalid_client" || fail.Code == "unauthorized_client":
		c.open(now.Add(circuitPause), fail)
	case fail.Code == "invalid_grant":
		c.failures = 0
	case fail.RetryAfter > 0:
		c.open(now.Add(min(fail.RetryAfter, circuitRetry)), fail)
	case fail.Status == 0 || fail.Status >= http.StatusInternalServerError:
		if c.failures++; c.failures >= circuitFailures {
			c.open(now.Add(min(time.Second<<min(c.failures-circuitFailures, 8), circuitLongest)), fail)
		}
	}
}

// believes reports whether a refusal is to be taken for the end of a grant. It
// is not while ten grants were refused within a minute, fewer than ten renewed,
// and none since; but who is refused for an hour is.
func (c *circuit) believes(fail *ProviderError) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.refusing.IsZero() && c.refusals.full(now) && !c.successes.full(now) {
		c.refusing = now
	}
	c.refusals.add(now)
	if c.refusing.IsZero() || now.Sub(c.refusing) > circuitPatience {
		return true
	}
	c.open(now.Add(circuitPause), fail)
	return false
}

// open is called with the mutex held.
func (c *circuit) open(until time.Time, why error) {
	if until.After(c.openUntil) {
		c.openUntil, c.why = until, why
	}
}

// admitted returns nil if the flight may send.
func (f *flight) admitted() error {
	err := f.app.circuit.closed()
	if err == nil && f.keeping {
		err = f.app.keeping.closed()
	}
	return err
}

// learn notes the outcome of the flight's request.
func (f *flight) learn(fail *ProviderError) {
	f.app.circuit.note(fail)
	f.app.keeping.note(fail)
}

// believes reports whether a refusal is to be believed. Many users of idle
// grants have long withdrawn: that says nothing of the grants in use.
func (f *flight) believes(fail *ProviderError) bool {
	if f.keeping {
		return f.app.keeping.believes(fail)
	}
	return f.app.circuit.believes(fail)
}
