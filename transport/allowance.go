package transport

import (
	"math/rand/v2"
	"time"
)

// allowance is how many attempts may be sent to a host again.
type allowance struct {
	left float64
	at   time.Time // when left was true
}

const (
	burst      = 10  // attempts
	perSecond  = 1   // gained in time
	perSuccess = 0.1 // gained by an answer that is no failure
	maxHosts   = 64  // beyond which hosts with a full allowance are forgotten
)

// gain adds n, and what time has brought.
func (a *allowance) gain(n float64, now time.Time) {
	a.left = min(a.left+n+perSecond*now.Sub(a.at).Seconds(), burst)
	a.at = now
}

// allow takes an attempt out of a host's allowance.
func (p *Retry) allow(host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	a := p.hosts[host]
	if a == nil {
		if p.hosts == nil {
			p.hosts = make(map[string]*allowance)
		}
		if len(p.hosts) >= maxHosts {
			p.forget(now)
		}
		a = &allowance{left: burst, at: now}
		p.hosts[host] = a
	}
	a.gain(0, now)
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// succeeded tells that a host is well. Only hosts that have failed are known.
func (p *Retry) succeeded(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.hosts[host]; a != nil {
		a.gain(perSuccess, time.Now())
	}
}

// forget drops hosts that are as good as new. Where hosts are redirected to by
// the thousand, all go after burst seconds.
func (p *Retry) forget(now time.Time) {
	for host, a := range p.hosts {
		if a.gain(0, now); a.left >= burst {
			delete(p.hosts, host)
		}
	}
}

// backoff returns the wait after the n-th attempt: anything from zero to half a
// second, one second, two and so on up to ten.
func backoff(n int) time.Duration {
	most := min(500*time.Millisecond<<min(n-1, 10), 10*time.Second)
	return rand.N(most)
}
