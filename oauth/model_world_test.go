package oauth

import (
	"strconv"
	"strings"
)

// model is one exploration: a mutation of the protocol, or none, against one
// kind of server.
type model struct {
	flaw      mutation
	kind      reuse
	processes int
	flight    flight
	emit      func(n *modelState, e modelEvent)
}

// modelEvent is a step from one state to the next.
type modelEvent struct {
	text     string // P# is the process, @ the number
	p, x     int8
	fault    bool
	violates property
}

func (e modelEvent) String() string {
	return strings.NewReplacer("P#", "P"+strconv.Itoa(int(e.p)+1), "@", strconv.Itoa(int(e.x))).Replace(e.text)
}

// next emits all that may happen in s.
func (m *model) next(s *modelState) {
	for i := range m.processes {
		m.act(s, i)
		m.befall(s, i)
		m.land(s, i)
	}
	m.tick(s)
	m.failover(s)
	m.signOut(s)
	m.rearm(s)
	if s.orphan != 0 {
		n := *s
		n.orphan, n.orphanProbe = 0, false
		m.emit(&n, modelEvent{text: "the orphaned request dies"})
		_, bad := m.redeem(&n, s.orphan, s.orphanProbe)
		m.emit(&n, modelEvent{text: "the server handles the orphaned request with RT@", x: s.orphan, violates: bad})
	}
	if !s.expired {
		n := *s
		n.expired = true
		m.emit(&n, modelEvent{text: "the access token expires"})
	}
}

// The authorization server.

func (m *model) accepts(s *modelState, token int8) bool {
	return s.dead == alive && (token == s.newest || m.kind == reuseGrace && token == s.newest-1)
}

// held reports whether a live process, or an answer on its way to one, has the
// newest pair.
func (s *modelState) held() bool {
	for _, p := range s.procs {
		if s.dead == alive && p.answer == s.newest && (p.pc == pcHave || p.pc == pcWaiting && p.net == netAnswer) {
			return true
		}
	}
	return false
}

func (m *model) redeem(n *modelState, token int8, probe bool) (answer int8, bad property) {
	switch {
	case n.dead != alive:
		return refused, 0
	case token == n.newest:
		n.newest++
		return n.newest, 0
	case m.accepts(n, token):
		return n.newest, 0
	}
	if !probe {
		bad = propI1
	}
	if m.kind == reuseReject {
		return refused, bad
	}
	if !n.row.is(StateTombstone) {
		if n.row.token == n.newest || n.held() {
			bad |= propHarm
		}
		if !n.expired {
			bad |= propATCut
		}
	}
	n.dead = byReplay
	return refused, bad
}

// revoke takes a consumed token for its whole family only where reuse does.
func (m *model) revoke(n *modelState, token int8) {
	if n.dead == alive && (token == n.newest || m.kind == reuseRevoke) {
		n.dead = byRevoke
	}
}

// The store.

func (m *model) write(n *modelState, r modelRow) {
	if n.faults[back] > 0 {
		n.prev = n.row
	}
	if r.intent != n.row.intent || r.age == 0 { // another one, or its deadline is later now
		n.unwatch()
	}
	n.row = r
	if m.flaw != noVersion {
		n.overtake()
	}
}

// overtake is what a new version does to all who read the old one: their
// writes conflict.
func (s *modelState) overtake() {
	for i := range s.procs {
		p := &s.procs[i]
		p.pending = modelRow{}
		if p.pc == pcUnknown || p.pc == pcBuried {
			p.stale = min(p.stale+1, 2)
		}
	}
}

func (s *modelState) unwatch() {
	for i := range s.procs {
		s.procs[i].saw = 0
	}
}

// land is a write that reaches the store after its writer stopped waiting.
func (m *model) land(s *modelState, i int) {
	w := s.procs[i].pending
	if w.gen == 0 {
		return
	}
	n := *s
	n.procs[i].pending = modelRow{}
	m.emit(&n, modelEvent{text: "P#'s old write dies on its way", p: int8(i)})
	var bad property
	if w.gen < s.row.gen {
		bad |= propI3
	}
	if s.row.is(StateTombstone) && !w.is(StateTombstone) && w.gen > s.row.gen {
		bad |= propI11
	}
	if w.gen > s.row.gen {
		n.expired = false
	}
	m.write(&n, w)
	m.emit(&n, modelEvent{text: "P#'s old write reaches the store", p: int8(i), violates: bad})
}

func (m *model) failover(s *modelState) {
	if s.faults[back] == 0 || s.prev.gen == 0 {
		return
	}
	n := *s
	n.faults[back]--
	n.row, n.prev, n.ambiguous = s.prev, modelRow{}, true
	n.run++
	n.unwatch()
	if m.flaw == noRunID {
		n.run = 0
	}
	if m.flaw == oldVersions { // writes under way still find the version they expect
		m.emit(&n, modelEvent{text: "failover: the store loses its last write", fault: true})
		return
	}
	n.overtake()
	for i := range n.procs {
		if p := &n.procs[i]; m.flaw == retryOverFailover && s.procs[i].stale == 1 {
			p.stale = 0 // the version that it read is back
		}
	}
	m.emit(&n, modelEvent{text: "failover: the store loses its last write", fault: true})
}

// rearm is Rearm, after which everybody tries again.
func (m *model) rearm(s *modelState) {
	if s.faults[rearm] == 0 || !s.row.is(StateNeedsReauth) {
		return
	}
	n, row := *s, s.load()
	n.faults[rearm]--
	row.State, row.Reason = StateActive, ""
	m.write(&n, s.row.with(row))
	for i := range m.processes {
		n.procs[i].left = max(n.procs[i].left, 1)
	}
	m.emit(&n, modelEvent{text: "Rearm makes the row active again", fault: true})
}

// signOut is Revoke, in two steps, and the user who does it at the server.
func (m *model) signOut(s *modelState) {
	if s.faults[external] > 0 && s.dead == alive {
		n := *s
		n.faults[external]--
		n.dead = byUser
		m.emit(&n, modelEvent{text: "the user revokes at the server", fault: true})
	}
	if s.faults[revoke] > 0 && !s.row.is(StateTombstone) {
		n := *s
		n.faults[revoke]--
		n.tombstoned = true
		m.bury(&n)
		m.emit(&n, modelEvent{text: "Revoke writes the tombstone", fault: true})
	}
	if s.exhumed() {
		n := *s
		m.bury(&n)
		m.emit(&n, modelEvent{text: "the process that revoked writes the tombstone again"})
	}
	if row := s.load(); row.Reason == ReasonPending && (row.Intent == nil || !row.Intent.Deadline.After(row.Now)) {
		n := *s
		m.revoke(&n, s.row.token)
		row.Reason = ReasonConfirmed
		if row.Intent != nil || doubtful(row) {
			row.Reason = ReasonUnreachable
		}
		m.write(&n, s.row.with(row))
		m.emit(&n, modelEvent{text: "Revoke has the server forget RT@ and records that", x: s.row.token})
	}
}

func (m *model) bury(n *modelState) {
	row := n.load()
	if row.RunID != row.StoreRun {
		row = quarantined(row, modelWindows())
	}
	row.State, row.Reason = StateTombstone, ReasonPending
	if m.flaw == tombstoneClears {
		row.Intent = nil
	}
	m.write(n, n.row.with(row))
}

// exhumed reports whether a failover dropped the tombstone.
func (s *modelState) exhumed() bool { return s.run > 0 && s.tombstoned && !s.row.is(StateTombstone) }

// The clock.

func (m *model) tick(s *modelState) {
	n := *s
	busy, underway, due := s.exhumed(), s.orphan != 0, s.row.age < 2
	for i := range n.procs {
		p := &n.procs[i]
		p.pending = p.pending.older()
		due = due || p.pending != s.procs[i].pending
		if p.pc == pcIdle {
			busy = busy || s.forgot(i)
			if p.saw > 0 {
				p.saw = min(p.saw+1, 3)
			}
			due = due || p.saw != s.procs[i].saw
			continue
		}
		due = due || !p.late
		p.late = true
		if p.pc == pcUnknown {
			p.age = min(p.age+1, 2)
		}
		underway = underway || p.net == netRequest
		busy = busy || p.pc != pcWaiting || p.net == netAnswer
	}
	if !due {
		return
	}
	n.row = n.row.older()
	if busy {
		n.faults[over]--
	}
	if underway {
		n.faults[delay]--
	}
	n.ambiguous = n.ambiguous || busy || underway
	if n.faults[over] >= 0 && n.faults[delay] >= 0 {
		m.emit(&n, modelEvent{text: "a boundary passes: the intent's age is @", x: n.row.age, fault: busy || underway})
	}
	if s.faults[jump] == 0 {
		return
	}
	n = *s
	n.faults[jump]--
	n.row, n.ambiguous = n.row.older(), true
	for i := range n.procs {
		p := &n.procs[i]
		p.pending = p.pending.older()
		if p.pc == pcUnknown {
			p.age = min(p.age+1, 2)
		}
	}
	m.emit(&n, modelEvent{text: "the store's clock steps: the intent's age is @", x: n.row.age, fault: true})
}

func (r modelRow) older() modelRow {
	if r.gen != 0 {
		r.age = min(r.age+1, 2)
	}
	return r
}

// befall is what may happen to process i and its messages.
func (m *model) befall(s *modelState, i int) {
	p := &s.procs[i]
	fault := func(kind int, text string, change func(n *modelState, p *modelProcess)) {
		if s.faults[kind] == 0 {
			return
		}
		n := *s
		n.faults[kind]--
		change(&n, &n.procs[i])
		m.emit(&n, modelEvent{text: text, p: int8(i), fault: true})
	}
	switch p.net {
	case netRequest:
		n := *s
		answer, bad := m.redeem(&n, p.token, p.probe)
		n.procs[i].answer, n.procs[i].net = answer, netAnswer
		m.emit(&n, modelEvent{text: "the server answers P#: RT@ (-1: invalid_grant)", p: int8(i), x: answer, violates: bad})
		fault(reqLost, "P#'s request is lost", func(n *modelState, p *modelProcess) { p.net, n.ambiguous = netLost, true })
		if s.orphan == 0 {
			fault(respLost, "P# gets an error from something in between; its request lives on", func(n *modelState, p *modelProcess) {
				n.orphan, n.orphanProbe, p.net, n.ambiguous = p.token, p.probe, netLost, true
			})
		}
	case netAnswer:
		fault(respLost, "the answer to P# is lost", func(n *modelState, p *modelProcess) { p.net, p.answer, n.ambiguous = netLost, 0, true })
	}
	if p.pc != pcIdle {
		fault(crash, "P# crashes and restarts", func(n *modelState, p *modelProcess) {
			if p.net == netRequest && n.orphan == 0 {
				n.orphan, n.orphanProbe = p.token, p.probe
			}
			release(n, i)
			n.ambiguous, p.known, p.kept = true, n.row.gen, 0
		})
	}
	if p.cut {
		n := *s
		n.procs[i].cut = false
		m.emit(&n, modelEvent{text: "P# reaches the store again", p: int8(i)})
	} else {
		fault(cutOff, "P# loses the store", func(_ *modelState, p *modelProcess) { p.cut = true })
	}
}
