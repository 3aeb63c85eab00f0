package oauth

import (
	"slices"
	"time"
)

// The model is the rotation protocol of this package, explored exhaustively: a
// few processes, one row in a store that all share, an authorization server, a
// network that loses and delays, a clock that only ticks. What a process may do
// is decided by the code itself (next, doubtful, quarantined, successor); the
// model adds what may happen between two decisions.
//
// Time is counted in boundaries: the first is an intent's deadline, the second
// the end of its drain margin. A boundary that passes while a process has
// unfinished business costs an "over" from the fault budget, one that passes
// while a request is under way a "delay". A load and the successful swap after
// it are one step, since a conflict only means to look again.

const maxProcesses = 3

// modelRow is a Row as small as the model needs it; it is comparable.
type modelRow struct {
	gen, token    int8
	state, reason int8 // indexes into modelStates and modelReasons
	intent, by    int8 // Intent.ID and CommittedBy, as indexes into modelIDs
	age           int8 // boundaries since the intent, or since the commit where there is none
	doubt, run    int8
}

// The ids of intents: the number of the process whose attempt is under way, or
// one that nobody will recognise.
var modelIDs = []string{"", "1", "2", "3", "stranger"}

const stranger = maxProcesses + 1

var (
	modelStates  = []State{StateActive, StateNeedsReauth, StateTombstone}
	modelReasons = []Reason{"", ReasonRevoked, ReasonLostInFlight, ReasonPending, ReasonConfirmed, ReasonUnreachable}
	modelRuns    = []string{"run 0", "run 1", "run 2"}
)

const modelBoundary = time.Second

// modelWindows make both boundaries one second each.
func modelWindows() windows {
	return windows{send: modelBoundary, drain: modelBoundary, least: 2 * modelBoundary}
}

func modelNow() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func (r modelRow) is(s State) bool { return modelStates[r.state] == s }

func (r modelRow) because(why Reason) bool { return modelReasons[r.reason] == why }

// load is the row that a process reads.
func (s *modelState) load() Row {
	r, now := &s.row, modelNow()
	row := Row{
		GrantID:     "grant",
		Generation:  uint64(r.gen),
		State:       modelStates[r.state],
		Reason:      modelReasons[r.reason],
		Expiry:      now.Add(time.Hour),
		CommittedBy: modelIDs[r.by],
		DoubtGen:    uint64(r.doubt),
		RunID:       modelRuns[r.run],
		Now:         now,
		StoreRun:    modelRuns[s.run],
	}
	if s.expired {
		row.Expiry = now.Add(-time.Hour)
	}
	since := now.Add(-time.Duration(r.age) * modelBoundary)
	if r.intent != 0 {
		row.Intent = &Intent{ID: modelIDs[r.intent], Base: row.Generation, Deadline: since.Add(modelBoundary)}
	} else {
		row.CommittedAt = since
	}
	return row
}

// with is what remains of row in the model; it keeps r's token.
func (r modelRow) with(row Row) modelRow {
	since := row.CommittedAt
	r.intent = 0
	if row.Intent != nil {
		r.intent = modelID(row.Intent.ID)
		since = row.Intent.Deadline.Add(-modelBoundary)
	}
	r.gen, r.doubt = int8(row.Generation), int8(row.DoubtGen)
	r.state = int8(slices.Index(modelStates, row.State))
	r.reason = int8(slices.Index(modelReasons, row.Reason))
	r.run = int8(slices.Index(modelRuns, row.RunID))
	r.by = modelID(row.CommittedBy)
	r.age = int8(min(row.Now.Sub(since)/modelBoundary, 2))
	return r
}

func modelID(id string) int8 {
	if i := slices.Index(modelIDs, id); i >= 0 {
		return int8(i)
	}
	return stranger
}

// What a process is doing.
const (
	pcIdle    = iota
	pcLoaded  // a mutant's: about to write its intent over whatever is there
	pcUnknown // its intent's write was not acknowledged
	pcReady   // its intent stands, nothing is sent
	pcWaiting // for the answer
	pcHave    // a pair to commit
	pcRefused // invalid_grant
	pcBuried  // it revoked its pair and has to record that
	pcTrash   // a mutant's: about to revoke its pair
)

// Where the request of a waiting process is.
const (
	netNone = iota
	netRequest
	netAnswer
	netLost
)

type modelProcess struct {
	pc, net     int8
	left        int8 // refreshes it still wants
	known       int8 // the generation of its tokens
	kept        int8 // the refresh token of the row it keeps of that generation; 0: none
	base, token int8 // of its attempt
	answer      int8 // the refresh token received, or refused
	age         int8 // boundaries on the store's clock since an intent not yet acknowledged
	saw         int8 // boundaries on its own clock since it found the row's intent, plus one; 0: it has not
	run         int8 // the store's when it announced
	probe       bool
	late        bool     // its send budget is over
	cut         bool     // it cannot reach the store
	stale       int8     // versions that the row has moved on since it was read; 2: more
	pending     modelRow // a write given up that may still land; generation 0: none
}

const refused = -1

// Budgets of faults. respLost is an answer lost, or an error from something in
// between while the request lives on.
const (
	crash = iota
	reqLost
	respLost
	over
	delay
	ackLost
	cutOff
	external // the user revokes at the server
	revoke   // somebody calls Revoke
	back     // the store loses its last write
	jump     // the store's clock steps over a boundary
	open     // many grants are refused at once, and a refusal is not believed
	rearm    // somebody calls Rearm
	modelFaults
)

var modelFaultNames = [modelFaults]string{"crash", "req", "resp", "over", "delay", "ack", "cut", "ext", "rev", "back", "jump", "open", "rearm"}

// Who ended the authorization at the server.
const (
	alive = iota
	byUser
	byRevoke
	byReplay
)

type modelState struct {
	newest      int8 // the refresh token that is live at the server
	dead        int8
	run         int8 // the store's
	orphan      int8 // the refresh token in a request whose sender is gone
	orphanProbe bool
	expired     bool // the access token
	ambiguous   bool // for the judge alone: an attempt may have been cut short
	tombstoned  bool // likewise: a tombstone was written
	row, prev   modelRow
	faults      [modelFaults]int8
	procs       [maxProcesses]modelProcess
}

// property is a set of what can go wrong.
type property uint16

const (
	propI1     property = 1 << iota // a consumed token is sent, not by a marked probe
	propHarm                        // a probe kills a family whose newest token somebody holds
	propATCut                       // a probe kills an access token that still serves
	propI2                          // used before it is durable
	propI3                          // a generation shrinks
	propI4                          // a loss with a wrong reason
	propGaveUp                      // a live pair is dropped
	propI11                         // something comes back after Revoke
	propSelf                        // we revoke a live pair
	propLive                        // no end can be reached
	propHealed                      // a verdict that a late commit undoes: no violation
	propLost                        // the authorization is lost, and that is recorded: no violation
	propEnd
)

var propNames = []string{"I1", "harm", "ATcut", "I2", "I3", "I4", "gaveup", "I11", "self", "live", "healed", "lost"}
