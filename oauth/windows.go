package oauth

import (
	"hash/fnv"
	"time"
)

// windows are the protocol's intervals for one row. All shrink with access
// tokens that live less than two minutes, so that short tokens still have a
// fresh phase.
type windows struct {
	send  time.Duration // how long a request may be sent
	drain time.Duration // how much longer one may be under way
	least time.Duration // between a commit and the next intent
	stale time.Duration // before expiry: refresh in the background
	early time.Duration // before expiry: do not use the token any more
}

const (
	fullLifetime = 2 * time.Minute
	leastBudget  = time.Second / 2 // no less is left to send in, or connecting might never fit
)

func (a *App) windows(row Row) windows {
	life := row.Expiry.Sub(row.RefreshIssued)
	if life <= 0 {
		life = fullLifetime
	}
	scaled := func(d time.Duration) time.Duration {
		if life >= fullLifetime {
			return d
		}
		return max(min(d, leastBudget), time.Duration(float64(d)*float64(life)/float64(fullLifetime)))
	}
	w := windows{
		send:  scaled(a.config.SendBudget),
		drain: scaled(a.config.DrainMargin),
		early: min(10*time.Second, life/20),
		stale: min(2*time.Minute, life*2/15),
	}
	w.least = w.send + w.drain
	w.stale = w.early + jitter(row.GrantID, w.stale-w.early)
	return w
}

// jitter spreads grants over the upper half of d, each always at the same
// place, so that a thousand sign-ins of one minute do not refresh in one.
func jitter(id GrantID, d time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return d/2 + time.Duration(float64(d/2)*float64(h.Sum32())/(1<<32))
}
