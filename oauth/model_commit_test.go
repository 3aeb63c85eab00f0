package oauth

import "time"

// tryCommit is what commit.go does with a pair and the row it finds.
func (m *model) tryCommit(s *modelState, i int) {
	p, r := &s.procs[i], &s.row
	superseded := r.gen > p.base
	switch {
	case m.flaw == blindCommit, m.flaw == commitOverTombstone && r.is(StateTombstone) && r.gen == p.base:
		m.commit(s, i)
	case r.is(StateTombstone) && (!superseded || m.flaw == tombstoneRevokesAny):
		n := *s
		bad := m.selfRevocation(s, i)
		if m.flaw != tombstoneKeepsPair {
			m.revoke(&n, p.answer)
		}
		n.procs[i].pc, n.procs[i].stale = pcBuried, 0
		m.emit(&n, modelEvent{text: "P# finds a tombstone and revokes its own pair, RT@", p: int8(i), x: p.answer, violates: bad})
	case r.is(StateTombstone):
		m.drop(s, i, "P# finds a tombstone and drops its pair, RT@")
	case superseded && r.by == int8(i+1) && m.flaw != noOwnCheck && m.flaw != unknownRevokes:
		m.do(s, i, "P# finds its commit done: generation @", func(n *modelState, _ *modelProcess) { learn(n, i); release(n, i) })
	case superseded && (m.flaw == conflictRevokes || m.flaw == unknownRevokes):
		m.do(s, i, "P# finds generation @ in place of its own", func(_ *modelState, p *modelProcess) { p.pc = pcTrash })
	case superseded,
		m.flaw == noLateCommit && r.intent != int8(i+1),
		m.flaw == noCommitOnReauth && r.is(StateNeedsReauth),
		m.flaw == commitOnLostOnly && r.is(StateNeedsReauth) && !r.because(ReasonLostInFlight):
		m.drop(s, i, "P# finds the row moved on and drops its pair, RT@")
	default:
		m.commit(s, i)
	}
}

func (m *model) selfRevocation(s *modelState, i int) property {
	if !s.tombstoned && s.procs[i].answer == s.newest && s.dead == alive {
		return propSelf
	}
	return 0
}

func (m *model) drop(s *modelState, i int, text string) {
	n, pair := *s, s.procs[i].answer
	var bad property
	if pair == s.newest && s.dead == alive && s.row.token != pair && !s.row.is(StateTombstone) {
		bad = propGaveUp
	}
	release(&n, i)
	m.emit(&n, modelEvent{text: text, p: int8(i), x: pair, violates: bad})
}

func (m *model) commit(s *modelState, i int) {
	p, row := &s.procs[i], s.load()
	if m.flaw == commitTrustsRow {
		row.RunID = row.StoreRun
	}
	row, err := m.flight.successor(row, pair{
		row:    Row{Generation: uint64(p.base)},
		answer: &answer{RefreshToken: "new", Lifetime: time.Hour},
		intent: modelIDs[i+1],
	})
	if err != nil {
		panic(err)
	}
	w := s.row.with(row)
	w.token = p.answer

	var bad property
	if w.gen < s.row.gen {
		bad |= propI3
	}
	if s.row.is(StateTombstone) {
		bad |= propI11
	}
	n := *s
	m.write(&n, w)
	n.expired = false
	n.ambiguous = s.ambiguous && !s.clean(i)
	if s.faults[ackLost] > 0 {
		k := n
		k.faults[ackLost]--
		m.emit(&k, modelEvent{text: "P#'s commit of generation @ is written, the acknowledgement lost", p: int8(i), x: w.gen, fault: true, violates: bad})
		k = *s
		k.faults[ackLost]--
		k.procs[i].pending = w
		m.emit(&k, modelEvent{text: "P#'s commit of generation @ is on its way to the store, and P# stops waiting", p: int8(i), x: w.gen, fault: true})
	}
	learn(&n, i)
	release(&n, i)
	m.emit(&n, modelEvent{text: "P# commits generation @", p: int8(i), x: w.gen, violates: bad})
}

// clean reports whether process i commits with nothing left that could make a
// later loss our own doing.
func (s *modelState) clean(i int) bool {
	if s.row.doubt == s.row.gen || s.row.intent != int8(i+1) || s.row.run != s.run || s.orphan != 0 {
		return false
	}
	for j := range s.procs {
		if j != i && s.procs[j].pc != pcIdle {
			return false
		}
	}
	return true
}
