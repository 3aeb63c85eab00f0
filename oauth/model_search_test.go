package oauth

import (
	"fmt"
	"strconv"
	"strings"
)

// modelResult is what a search found.
type modelResult struct {
	states int
	found  property
	traces map[property][]string // the shortest way to each
}

// parseFaults reads a budget such as "crash over*2".
func parseFaults(text string) (b [modelFaults]int8, err error) {
	for word := range strings.FieldsSeq(text) {
		name, times, many := strings.Cut(word, "*")
		n := 1
		if many {
			if n, err = strconv.Atoi(times); err != nil {
				return b, err
			}
		}
		known := false
		for k := range b {
			if modelFaultNames[k] == name {
				b[k], known = int8(n), true
			}
		}
		if !known && name != "none" {
			return b, fmt.Errorf("no fault is named %q", name)
		}
	}
	return b, nil
}

// search visits every state that can be reached, breadth first.
func search(flaw mutation, kind reuse, processes int, faults [modelFaults]int8) modelResult {
	type node struct {
		parent int32
		event  modelEvent
	}
	m := &model{flaw: flaw, kind: kind, processes: processes, flight: flight{app: &App{}}}
	first := modelState{newest: 1, row: modelRow{gen: 1, token: 1, age: 2}, faults: faults}
	for i := range processes {
		first.procs[i].left, first.procs[i].known, first.procs[i].kept = 2, 1, 1
	}
	index := map[modelState]int32{first: 0}
	queue, nodes := []modelState{first}, []node{{parent: -1}}
	var calmSteps [][2]int32
	result := modelResult{traces: map[property][]string{}}
	report := func(bad property, at int32, last ...modelEvent) {
		for bit := property(1); bit < propEnd; bit <<= 1 {
			if bad&bit == 0 || result.found&bit != 0 {
				continue
			}
			result.found |= bit
			var trace []string
			for k := at; k > 0; k = nodes[k].parent {
				trace = append([]string{nodes[k].event.String()}, trace...)
			}
			for _, e := range last {
				trace = append(trace, e.String())
			}
			result.traces[bit] = trace
		}
	}
	for at := int32(0); int(at) < len(queue); at++ {
		s, calm := queue[at], false
		m.emit = func(n *modelState, e modelEvent) {
			for _, p := range n.procs {
				if p.known > n.row.gen && faults[back] == 0 {
					e.violates |= propI2
				}
			}
			if e.violates != 0 {
				report(e.violates, at, e)
			}
			k, ok := index[*n]
			if !ok {
				k = int32(len(queue))
				index[*n] = k
				queue, nodes = append(queue, *n), append(nodes, node{at, e})
			}
			if !e.fault {
				calm = true
				calmSteps = append(calmSteps, [2]int32{at, k})
			}
		}
		m.next(&s)
		if !calm {
			report(m.atRest(&s), at)
		}
	}
	result.states = len(queue)
	if at, ok := firstHopeless(queue, calmSteps); ok {
		report(propLive, at)
	}
	return result
}

// atRest judges a state in which nothing more happens by itself.
func (m *model) atRest(s *modelState) (bad property) {
	gone := !m.accepts(s, s.row.token)
	explained := s.dead == byUser || s.dead == byRevoke
	row := s.load()
	if gone && !explained && row.State != StateTombstone {
		bad |= propLost
	}
	switch {
	case row.State == StateActive && gone: // what would the next refresh record?
		lost := m.inDoubt(row, row.Intent != nil || row.RunID != row.StoreRun)
		if lost && !s.ambiguous || !lost && !explained {
			bad |= propI4
		}
	case row.State == StateNeedsReauth && !gone:
		bad |= propGaveUp
	case row.State == StateTombstone && (row.Reason == ReasonPending || row.Reason == ReasonConfirmed && s.dead == alive):
		bad |= propI11
	}
	if s.tombstoned && row.State != StateTombstone {
		bad |= propI11
	}
	return bad
}

// ended reports whether an end is recorded, or nobody wants anything any more.
func (s *modelState) ended() bool {
	for _, p := range s.procs {
		if s.row.is(StateActive) && (p.left > 0 || p.pc != pcIdle) {
			return false
		}
	}
	return !s.row.is(StateTombstone) || !s.row.because(ReasonPending)
}

// firstHopeless finds a state from which no end can be reached without further
// faults.
func firstHopeless(states []modelState, steps [][2]int32) (int32, bool) {
	from := make([][]int32, len(states))
	for _, s := range steps {
		from[s[1]] = append(from[s[1]], s[0])
	}
	hopeful := make([]bool, len(states))
	var todo []int32
	reach := func(k int32) {
		if !hopeful[k] {
			hopeful[k] = true
			todo = append(todo, k)
		}
	}
	for k := range states {
		if states[k].ended() {
			reach(int32(k))
		}
	}
	for len(todo) > 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, before := range from[k] {
			reach(before)
		}
	}
	for k, ok := range hopeful {
		if !ok {
			return int32(k), true
		}
	}
	return 0, false
}

func (p property) String() string {
	var names []string
	for k, name := range propNames {
		if p>>k&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
