package oauth

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// reuse is what a simulated provider does when a consumed refresh token comes
// again.
type reuse string

const (
	reuseReject reuse = "reject"
	reuseRevoke reuse = "revoke" // and end the whole family (RFC 9700 section 4.14.2)
	reuseGrace  reuse = "grace"  // take the predecessor once more, for the same successor
)

// postFault is what becomes of one token request.
type postFault string

const (
	postDropped   postFault = "request dropped"
	postLost      postFault = "answer lost"
	postLate      postFault = "answer late"
	postSlow      postFault = "request slow"
	postOrphaned  postFault = "answer lost, request slow"
	postSwallowed postFault = "no answer ever"
	post502Before postFault = "502 before"
	post502After  postFault = "502 after"
)

// simServer is the provider of a simulated world, guarded by the world's
// mutex. Its nth refresh token is "rt-n"; rows hold it at generation n.
type simServer struct {
	reuse    reuse
	life     time.Duration
	current  int  // the refresh token that works
	alive    bool // the family
	killed   bool // ended by a reuse: our doing
	ended    bool // ended by the user
	accepted int  // refreshes that succeeded
	posts    int
	underway map[int]int // requests per refresh token, sent and not yet arrived
	next     []simPost   // faults of the requests to come
}

type simPost struct {
	fault postFault
	delay time.Duration
}

// arrive is one refresh request at the provider: the refresh token it gives, 0
// for invalid_grant.
func (s *simServer) arrive(token int) int {
	switch {
	case !s.alive:
		return 0
	case token == s.current:
		s.current++
	case token == s.current-1 && s.reuse == reuseGrace:
	default:
		if s.reuse == reuseRevoke {
			s.alive, s.killed = false, true
		}
		return 0
	}
	s.accepted++
	return s.current
}

// accepts reports whether a refresh with token would succeed.
func (s *simServer) accepts(token int) bool {
	return s.alive && (token == s.current || token == s.current-1 && s.reuse == reuseGrace)
}

func (s *simServer) revoke(token int) {
	if token == s.current || s.reuse == reuseRevoke {
		s.alive = false
	}
}

// RoundTrip implements http.RoundTripper: a request of process p.
func (p *simProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	p.boundary()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/revoke") {
		return p.revocation(numberOf(form.Get("token"))), nil
	}
	answer := p.send(numberOf(form.Get("refresh_token")))
	var got simAnswer
	select {
	case got = <-answer:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	p.boundary()
	if got.err != nil {
		p.world.count("in doubt")
		return nil, got.err
	}
	if got.refresh != 0 {
		p.world.locked(func() { p.holds = max(p.holds, got.refresh) })
	}
	return reply(got.status, "application/json", got.body), nil
}

func (p *simProcess) revocation(token int) *http.Response {
	time.Sleep(20 * time.Millisecond)
	w := p.world
	w.locked(func() {
		if !w.tombstoned {
			w.violation("rt-%d is revoked, and nobody asked for it", token)
		}
		w.server.revoke(token)
	})
	time.Sleep(20 * time.Millisecond)
	p.boundary()
	return reply(200, "text/plain", "")
}

type simAnswer struct {
	status  int
	body    string
	refresh int // the refresh token in it
	err     error
}

// send puts a refresh request on its way, which goes on whatever becomes of
// the process that sent it.
func (p *simProcess) send(token int) <-chan simAnswer {
	w := p.world
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.server
	s.posts++
	probe := w.checkSend(p, token)
	var post simPost
	if len(s.next) > 0 {
		post, s.next = s.next[0], s.next[1:]
		w.stats[string(post.fault)]++
	}
	if post.fault == postSlow || post.fault == postOrphaned { // no longer than the drain margin provides for
		drained := p.announcedAt.Add(p.app.windows(p.announced).least)
		post.delay = min(post.delay, time.Until(drained)-100*time.Millisecond)
	}
	answer := make(chan simAnswer, 1)
	if post.fault == postDropped || post.fault == postOrphaned {
		time.AfterFunc(30*time.Millisecond, func() { answer <- simAnswer{err: errCut} })
	}
	if post.fault != postDropped {
		s.underway[token]++
		go w.carry(token, probe, post, answer)
	}
	return answer
}

// checkSend holds a request against the intent its process announced, and
// reports whether that marks it as a probe.
func (w *simWorld) checkSend(p *simProcess, token int) (probe bool) {
	announced := p.announced
	switch {
	case announced.Intent == nil || !w.intents[announced.Intent.ID] || announced.Generation != uint64(token):
		w.violation("I1: rt-%d is sent without an intent", token)
		return false
	case w.ahead == 0 && time.Now().After(announced.Intent.Deadline), time.Since(p.announcedAt) > p.app.windows(announced).send:
		w.violation("I1: rt-%d is sent past the deadline of its intent", token)
	case w.server.underway[token] > 0:
		w.violation("I1: rt-%d is sent twice at a time", token)
	}
	probe = announced.DoubtGen == announced.Generation
	if probe && time.Now().Before(announced.Expiry) {
		w.violation("rt-%d is probed while the access token serves", token)
	}
	return probe
}

// carry takes a request to the provider, and its answer back.
func (w *simWorld) carry(token int, probe bool, post simPost, answer chan<- simAnswer) {
	time.Sleep(20 * time.Millisecond)
	if post.fault == postSlow || post.fault == postOrphaned {
		time.Sleep(post.delay)
	}
	var got int
	w.locked(func() { got = w.arrived(token, probe, post.fault) })
	time.Sleep(20 * time.Millisecond)
	if post.fault == postLate {
		time.Sleep(post.delay)
	}
	switch post.fault {
	case postSwallowed, postOrphaned:
	case postLost:
		answer <- simAnswer{err: errCut}
	case post502Before, post502After:
		answer <- simAnswer{status: 502, body: "<h1>Bad gateway</h1>"}
	default:
		answer <- w.tokens(got)
	}
}

func (w *simWorld) arrived(token int, probe bool, fault postFault) (got int) {
	s := &w.server
	s.underway[token]--
	if fault == post502Before {
		return 0
	}
	if token < s.current && !probe {
		w.violation("I1: rt-%d is consumed and came again, and not as a probe", token)
	}
	got = s.arrive(token)
	switch {
	case probe && got != 0:
		w.stats["probe won"]++
	case probe:
		w.stats["probe lost"]++
	}
	return got
}

func (w *simWorld) tokens(refresh int) simAnswer {
	if refresh == 0 {
		return simAnswer{status: 400, body: `{"error":"invalid_grant"}`}
	}
	return simAnswer{status: 200, refresh: refresh, body: fmt.Sprintf(
		`{"access_token":"at-%d","refresh_token":"rt-%d","token_type":"Bearer","expires_in":%d,"scope":"profile"}`,
		refresh, refresh, int(w.server.life.Seconds()))}
}

func numberOf(token string) int {
	n, err := strconv.Atoi(token[strings.IndexByte(token, '-')+1:])
	if err != nil {
		panic(err)
	}
	return n
}
