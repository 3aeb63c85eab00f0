package oauth

import "time"

// act is the next step of process i: what flight.fly, refresh, commit and
// refused do, each between one write and the next.
func (m *model) act(s *modelState, i int) {
	switch p := &s.procs[i]; p.pc {
	case pcIdle:
		if !p.cut && (p.left > 0 || s.forgot(i)) { // who wants no refresh looks all the same after a failover
			m.decide(s, i)
		}
	case pcLoaded:
		m.do(s, i, "P# writes its intent over whatever is there", func(n *modelState, p *modelProcess) {
			w := n.row
			w.intent, w.age, p.pc = int8(i+1), 0, pcReady
			m.write(n, w)
		})
	case pcUnknown:
		m.reread(s, i)
	case pcReady:
		if p.late && m.flaw != noGuard {
			m.do(s, i, "P# finds its budget over: nothing is sent", func(n *modelState, _ *modelProcess) { m.finish(n, i) })
			return
		}
		m.do(s, i, "P# sends its refresh token", func(_ *modelState, p *modelProcess) { p.pc, p.net = pcWaiting, netRequest })
	case pcWaiting:
		m.receive(s, i)
	case pcHave:
		if !p.cut {
			m.tryCommit(s, i)
		}
	case pcRefused:
		if !p.cut {
			m.verdict(s, i)
		}
	case pcBuried:
		if p.cut {
			return
		}
		if p.stale > 0 {
			m.do(s, i, "P# cannot record that its pair is revoked: a conflict", func(_ *modelState, p *modelProcess) { p.pc = pcHave })
			return
		}
		m.do(s, i, "P# records that its pair is revoked", func(n *modelState, _ *modelProcess) {
			row := n.load()
			row.Reason = ReasonConfirmed
			if n.stands(i) {
				row.Intent = nil
			}
			m.write(n, n.row.with(row))
			release(n, i)
			n.procs[i].left = 0
		})
	case pcTrash:
		if p.cut {
			return
		}
		n := *s
		bad := m.selfRevocation(s, i)
		m.revoke(&n, p.answer)
		m.finish(&n, i)
		n.procs[i].left = 0
		m.emit(&n, modelEvent{text: "P# revokes the pair it holds, RT@", p: int8(i), x: p.answer, violates: bad})
	}
}

func (m *model) do(s *modelState, i int, text string, change func(n *modelState, p *modelProcess)) {
	n := *s
	change(&n, &n.procs[i])
	m.emit(&n, modelEvent{text: text, p: int8(i), x: n.row.gen})
}

// release ends an attempt: nobody will know its intent's id any more.
func release(n *modelState, i int) {
	own := int8(i + 1)
	forget := func(r *modelRow) {
		if r.intent == own {
			r.intent = stranger
		}
		if r.by == own {
			r.by = stranger
		}
	}
	forget(&n.row)
	forget(&n.prev)
	for j := range n.procs {
		forget(&n.procs[j].pending)
	}
	p := n.procs[i]
	n.procs[i] = modelProcess{left: p.left, known: p.known, kept: p.kept, cut: p.cut, pending: p.pending}
}

// stands is the function of that name: the process's intent is there as it was
// written.
func (s *modelState) stands(i int) bool {
	return s.row.intent == int8(i+1) && s.row.run == s.procs[i].run
}

// finish withdraws the attempt's own intent, if it still stands and the store
// can be reached.
func (m *model) finish(n *modelState, i int) {
	if !n.procs[i].cut && n.stands(i) {
		row := n.load()
		row.Intent = nil
		m.write(n, n.row.with(row))
	}
	release(n, i)
}

func learn(n *modelState, i int) {
	p := &n.procs[i]
	p.known, p.kept, p.left = n.row.gen, n.row.token, max(p.left-1, 0)
}

// plan asks the code; some mutations are in what it is told.
func (m *model) plan(row Row, known, saw int8) plan {
	w, wall, watched := modelWindows(), modelNow(), time.Duration(saw-1)*modelBoundary
	switch m.flaw {
	case noWaiting:
		w.drain, wall, watched = -modelBoundary, wall.Add(2*time.Hour), longWatched
	case noDrain:
		w.drain, watched = 0, longWatched
	case noWatch:
		watched = longWatched
	case noExpiryWait:
		wall = wall.Add(2 * time.Hour)
	case noLeast:
		w.least = 0
	}
	return next(row, uint64(known), w, wall, watched)
}

func (m *model) decide(s *modelState, i int) {
	row, known, kept := s.load(), s.procs[i].known, s.procs[i].kept
	if kept == 0 { // restarted, it has seen nothing yet
		known = min(known, s.row.gen)
	}
	switch p := m.plan(row, known, s.procs[i].saw); p.step {
	case stepRestore:
		m.restore(s, i, row)
	case stepFail:
		m.do(s, i, "P# is told what is recorded", func(_ *modelState, p *modelProcess) { p.left = 0 })
	case stepAdopt:
		m.do(s, i, "P# adopts generation @", func(n *modelState, _ *modelProcess) { learn(n, i) })
	case stepQuarantine:
		m.do(s, i, "P# quarantines the row after a failover", func(n *modelState, _ *modelProcess) {
			m.write(n, n.row.with(quarantined(row, modelWindows())))
		})
	case stepWait:
		if row.Intent != nil && s.procs[i].saw == 0 {
			m.do(s, i, "P# finds an intent and watches it", func(_ *modelState, p *modelProcess) { p.saw = 1 })
		}
	case stepSend:
		if m.flaw == blindIntent {
			m.do(s, i, "P# loads generation @, sees no intent", func(n *modelState, p *modelProcess) { p.begin(&n.row, false); p.pc = pcLoaded })
			return
		}
		m.announce(s, i, false)
	case stepProbe:
		if m.flaw != noProbes {
			m.announce(s, i, true)
		}
	}
}

// forgot reports whether process i keeps what the store has forgotten.
func (s *modelState) forgot(i int) bool {
	return s.procs[i].kept != 0 && s.procs[i].known > s.row.gen
}

// restore writes back the row that process i keeps.
func (m *model) restore(s *modelState, i int, row Row) {
	p := &s.procs[i]
	next := restored(row, Row{Generation: uint64(p.known), State: StateActive, CommittedBy: modelIDs[stranger]}, modelWindows())
	switch m.flaw {
	case noRestore:
		m.do(s, i, "P# is told that the row went back", func(_ *modelState, p *modelProcess) { p.left, p.kept = 0, 0 })
		return
	case restoreTrusts:
		next.DoubtGen = 0
	}
	m.do(s, i, "P# writes back what it keeps", func(n *modelState, p *modelProcess) {
		w := s.row.with(next)
		w.token = p.kept
		m.write(n, w)
	})
}

func (p *modelProcess) begin(r *modelRow, probe bool) {
	p.base, p.token, p.probe, p.late, p.stale, p.age = r.gen, r.token, probe, false, 0, 0
}

// announce writes an intent, for the first time or again.
func (m *model) announce(s *modelState, i int, probe bool) {
	n, text := *s, "P# announces a refresh of generation @"
	if probe {
		text = "P# announces a probe of generation @"
	}
	p := &n.procs[i]
	if p.pc == pcIdle {
		p.begin(&s.row, probe)
	} else {
		text = "P# does not find its intent, and writes it again on generation @"
	}
	row := s.load()
	row.Intent = &Intent{ID: modelIDs[i+1], Base: row.Generation, Deadline: row.Now.Add(time.Duration(1-p.age) * modelBoundary)}
	if probe {
		row.DoubtGen = row.Generation
	}
	p.run = s.run
	w := s.row.with(row)
	if m.flaw == probesShareIntent && probe {
		w.intent, w.age = s.row.intent, s.row.age
	}
	unknown := n
	if m.flaw != noIntent {
		m.write(&n, w)
	}
	written := n
	n.procs[i].pc = pcReady
	m.emit(&n, modelEvent{text: text, p: int8(i), x: s.row.gen})
	if s.faults[ackLost] == 0 || m.flaw == noIntent {
		return
	}
	for _, outcome := range []struct {
		text  string
		n     modelState
		moved int8
		on    modelRow
	}{
		{"P#'s intent is written, the acknowledgement lost", written, 1, modelRow{}},
		{"P#'s intent is not written, and P# cannot tell", unknown, 0, modelRow{}},
		{"P#'s intent is on its way to the store, and P# stops waiting", unknown, 0, w},
	} {
		n := outcome.n
		n.faults[ackLost]--
		p := &n.procs[i]
		p.pc, p.stale, p.pending = pcUnknown, outcome.moved, outcome.on
		m.emit(&n, modelEvent{text: outcome.text, p: int8(i), fault: true})
	}
}

// reread is what follows an intent's write of unknown outcome.
func (m *model) reread(s *modelState, i int) {
	p := &s.procs[i]
	own := s.row.intent == int8(i+1)
	switch {
	case m.flaw == unknownIsDone && !p.cut,
		!p.cut && own && (s.row.run == s.run || m.flaw == retryOverFailover) && (s.row.gen == p.base || m.flaw == announceAnyGeneration):
		m.do(s, i, "P# reads the row again: its intent stands", func(n *modelState, p *modelProcess) { p.pc, p.base = pcReady, n.row.gen })
	case p.cut && !p.late:
		// It reads again and again while there would be time to send.
	case p.cut, p.stale > 0, p.late, m.flaw == forgetUnknown:
		m.do(s, i, "P# does not find its intent and gives up: nothing was sent", func(n *modelState, _ *modelProcess) { release(n, i) })
	default:
		m.announce(s, i, p.probe)
	}
}

func (m *model) receive(s *modelState, i int) {
	p := &s.procs[i]
	switch {
	case p.net == netAnswer && p.late && m.flaw == noLateReading:
		n := *s
		var bad property
		if p.answer == s.newest && s.dead == alive {
			bad = propGaveUp
		}
		release(&n, i)
		m.emit(&n, modelEvent{text: "P# throws the late answer away", p: int8(i), violates: bad})
	case p.net == netAnswer && p.answer == refused:
		m.do(s, i, "P# receives invalid_grant", func(_ *modelState, p *modelProcess) { p.pc, p.net, p.answer = pcRefused, netNone, 0 })
	case p.net == netAnswer:
		m.do(s, i, "P# receives a pair", func(_ *modelState, p *modelProcess) {
			p.pc, p.net = pcHave, netNone
			if m.flaw == publishFirst {
				p.known = p.base + 1
			}
		})
	case p.net == netLost && m.flaw == oneProbe && p.probe && !p.cut && s.row.intent == int8(i+1):
		m.latch(s, i)
	case p.net == netLost:
		m.do(s, i, "P#'s request ends without an answer", func(n *modelState, _ *modelProcess) { release(n, i) })
		if m.flaw == probeAtOnce && !p.cut && s.row.intent == int8(i+1) && s.row.is(StateActive) && s.row.gen == p.base {
			n := *s
			release(&n, i)
			m.announce(&n, i, true)
		}
	}
}

// verdict is what follows invalid_grant.
func (m *model) verdict(s *modelState, i int) {
	p, r := &s.procs[i], &s.row
	switch {
	case m.flaw == noReread:
		m.latch(s, i)
	case !r.is(StateActive), r.run != s.run, r.gen < p.base:
		m.do(s, i, "P# is refused, and no verdict is due", func(n *modelState, _ *modelProcess) { release(n, i) })
	case r.gen > p.base:
		m.do(s, i, "P# is refused, but the row has generation @", func(n *modelState, _ *modelProcess) { m.finish(n, i) })
	default:
		m.latch(s, i)
		if s.faults[open] > 0 {
			n := *s
			n.faults[open]--
			m.finish(&n, i)
			m.emit(&n, modelEvent{text: "P# does not believe the refusal", p: int8(i), fault: true})
		}
	}
}

func (m *model) latch(s *modelState, i int) {
	n, row := *s, s.load()
	row.State, row.Reason = StateNeedsReauth, ReasonRevoked
	if s.stands(i) {
		row.Intent = nil
	}
	if m.inDoubt(row, s.procs[i].probe) {
		row.Reason = ReasonLostInFlight
	}
	var bad property
	if explained := n.dead == byUser || n.dead == byRevoke; row.Reason == ReasonLostInFlight && !n.ambiguous || row.Reason == ReasonRevoked && !explained {
		bad = propI4
	}
	m.write(&n, s.row.with(row))
	release(&n, i)
	n.procs[i].left = 0
	if m.accepts(&n, n.row.token) || n.held() {
		bad |= propHealed
	}
	text := "P# records that the grant was revoked"
	if row.Reason == ReasonLostInFlight {
		text = "P# records that the grant was lost in flight"
	}
	m.emit(&n, modelEvent{text: text, p: int8(i), violates: bad})
}

func (m *model) inDoubt(row Row, probe bool) bool {
	switch m.flaw {
	case noReason:
		return false
	case doubtEndsWithGeneration:
		return probe || row.DoubtGen == row.Generation
	}
	return probe || doubtful(row)
}
