package oauth

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
)

// simWorld is a provider, a store and some processes, and the referee that
// watches every write and every request.
type simWorld struct {
	t     *testing.T
	store *MemoryStore
	id    GrantID

	mu         sync.Mutex
	server     simServer
	processes  []*simProcess
	ahead      time.Duration   // the store's clock, of the processes'
	before     []Row           // what the last writes overwrote
	tombstoned bool            // once at least
	durable    map[string]bool // access tokens that were ever in the store
	intents    map[string]bool // and intents
	forced     bool            // somebody asked for a refresh
	disturbed  bool            // something happened after which an answer may be unread
	swaps      []simSwap       // faults of the swaps to come
	violations []string
	stats      map[string]int
	calls      sync.WaitGroup
}

// simLatency is more than an operation of the store takes.
const simLatency = 10 * time.Millisecond

// simSwap is what becomes of one swap, whose outcome its process never learns.
type simSwap struct {
	applied bool
	after   time.Duration // it lands so much later
}

// simProcess is a process: an App with its own handles on store and network.
// They count the boundaries that it crosses, where it may be stopped.
type simProcess struct {
	world *simWorld
	app   *App

	// Guarded by the world's mutex.
	dead        bool
	crashIn     int // boundaries from now; 0 is never
	pauseIn     int
	pauseFor    time.Duration
	pausedUntil time.Time
	cutUntil    time.Time // from the store
	cutHangs    bool      // so that its operations hang instead of failing
	announced   Row       // with its latest intent, as written
	announcedAt time.Time // when it first set about that
	holds       int       // the newest refresh token it was given
	revoked     bool      // its Revoke said that all is gone
}

func (w *simWorld) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *simWorld) count(what string) { w.locked(func() { w.stats[what]++ }) }

// violation notes what must not happen; the world's mutex is held.
func (w *simWorld) violation(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// row is the truth.
func (w *simWorld) row() Row {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.answer(w.store.rows[w.id])
}

// now is the store's clock; the world's mutex is held.
func (w *simWorld) now() time.Time { return time.Now().Add(w.ahead) }

// failOver gives the store another identity, without its last writes: who could
// know?
func (w *simWorld) failOver(forgets int) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.run = string(NewGrantID())
	w.stats["failover"]++
	left := max(0, len(w.before)-forgets)
	if left == len(w.before) {
		return
	}
	back, from := w.before[left], w.store.rows[w.id]
	w.stats["forgotten write"]++
	if back.Generation < from.Generation {
		w.stats["forgotten rotation"]++
	}
	w.store.rows[w.id], w.before = back, w.before[:left]
}

func (w *simWorld) start() *simProcess {
	p := &simProcess{world: w}
	app, err := New(Config{
		ClientID: "client", RedirectURL: "http://localhost:3000/callback", Scopes: []string{"openid"},
		Store: &simStore{w.store, p}, Flows: w.store, HTTPClient: &http.Client{Transport: p},
	})
	if err != nil {
		panic(err)
	}
	p.app = app
	return p
}

// boundary is where the process touches the world: here it is stopped for a
// while, or for ever.
func (p *simProcess) boundary() {
	for {
		var dead bool
		var pause time.Duration
		p.world.locked(func() {
			if p.crashIn--; p.crashIn == 0 {
				p.dead = true
			}
			if p.pauseIn--; p.pauseIn == 0 {
				p.pausedUntil = later(p.pausedUntil, time.Now().Add(p.pauseFor))
			}
			dead, pause = p.dead, time.Until(p.pausedUntil)
		})
		switch {
		case dead:
			runtime.Goexit() // nothing of this goroutine touches the world again
		case pause <= 0:
			return
		}
		time.Sleep(pause)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// simStore is a process's handle on the store.
type simStore struct {
	*MemoryStore
	process *simProcess
}

func (s *simStore) begin(ctx context.Context) error {
	s.process.boundary()
	time.Sleep(time.Millisecond)
	var cut, hangs bool
	s.process.world.locked(func() {
		cut, hangs = time.Now().Before(s.process.cutUntil), s.process.cutHangs
	})
	if cut && hangs {
		<-ctx.Done()
	}
	if cut {
		return fmt.Errorf("cut off: %w", ErrNotWritten)
	}
	return ctx.Err()
}

// Load implements Store.
func (s *simStore) Load(ctx context.Context, id GrantID) (Row, error) {
	if err := s.begin(ctx); err != nil {
		return Row{}, err
	}
	row, err := s.MemoryStore.Load(ctx, id)
	s.process.world.locked(func() { row.Now = s.process.world.now() })
	time.Sleep(time.Millisecond)
	s.process.boundary()
	return row, err
}

// ClaimDue implements Store.
func (s *simStore) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]Row, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	rows, err := s.MemoryStore.ClaimDue(ctx, n, ttl)
	s.process.world.locked(func() {
		for i := range rows {
			rows[i].Now = s.process.world.now()
		}
	})
	s.process.boundary()
	return rows, err
}

// Swap implements Store.
func (s *simStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	if err := s.begin(ctx); err != nil {
		return Row{}, err
	}
	w := s.process.world
	var fault *simSwap
	w.locked(func() {
		if row.State == StateActive && row.Intent != nil {
			s.process.announce(row.clone())
		}
		if len(w.swaps) > 0 {
			fault, w.swaps = &w.swaps[0], w.swaps[1:]
			w.stats["unknown"]++
		}
	})
	if fault == nil {
		stored, err := w.apply(ctx, old, row)
		time.Sleep(time.Millisecond)
		s.process.boundary()
		return stored, err
	}
	if fault.applied && fault.after == 0 {
		_, _ = w.apply(ctx, old, row)
	} else if fault.applied {
		time.AfterFunc(fault.after, func() { _, _ = w.apply(ctx, old, row) })
	}
	time.Sleep(time.Millisecond)
	s.process.boundary()
	return Row{}, ErrUnknown
}

// announce notes the intent of a row that is about to be written. Its time runs
// from the first try: a write of unknown outcome is repeated under the same id.
func (p *simProcess) announce(row Row) {
	if p.announced.Intent == nil || p.announced.Intent.ID != row.Intent.ID {
		p.announcedAt = time.Now()
	}
	p.announced = row
}

// apply writes, and checks what was written.
func (w *simWorld) apply(ctx context.Context, old Version, row Row) (Row, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.row()
	stored, err := w.store.Swap(context.WithoutCancel(ctx), old, row)
	if err != nil {
		w.stats["conflict"]++
		return stored, err
	}
	w.check(before, stored)
	w.before = append(w.before, before)
	stored.Now = w.now()
	return stored, nil
}

func (w *simWorld) check(before, after Row) {
	held, err := w.processes[0].app.openTokens(after)
	switch {
	case err != nil:
		w.violation("the row cannot be read: %v", err)
	case after.Generation < before.Generation, after.Generation > before.Generation+1 && w.stats["forgotten rotation"] == 0:
		w.violation("I3: from generation %d to %d", before.Generation, after.Generation)
	case after.Generation == before.Generation && !bytes.Equal(before.Sealed, after.Sealed):
		w.violation("I3: other tokens in generation %d", after.Generation)
	case held.Refresh != fmt.Sprintf("rt-%d", after.Generation):
		w.violation("I3: %s at generation %d", held.Refresh, after.Generation)
	case before.State == StateTombstone && (after.State != StateTombstone || after.Generation != before.Generation && w.stats["forgotten rotation"] == 0):
		w.violation("I11: a tombstone became %s at generation %d", after.State, after.Generation)
	}
	w.durable[held.Access] = true
	w.tombstoned = w.tombstoned || after.State == StateTombstone
	if after.Intent != nil {
		w.intents[after.Intent.ID] = true
		if before.Intent == nil && before.RunID == after.RunID {
			w.checkIntent(before)
		}
	}
	if after.Generation > before.Generation && (before.Intent == nil || before.Intent.ID != after.CommittedBy || before.Intent.Deadline.Before(w.now())) {
		w.stats["late commit"]++
	}
	if after.State == StateNeedsReauth && before.State == StateActive {
		w.checkVerdict(after)
	}
}

// checkIntent looks at a row that a first intent is being written into.
func (w *simWorld) checkIntent(row Row) {
	win := w.processes[0].app.windows(row)
	switch {
	case w.now().Sub(row.CommittedAt) < win.least:
		w.violation("I5: an intent %v after the commit", w.now().Sub(row.CommittedAt))
	case !w.forced && w.stats["forgotten rotation"] == 0 && w.ahead == 0 && time.Until(row.Expiry) > win.stale:
		w.violation("I5: an intent %v before expiry, and nobody asked for it", time.Until(row.Expiry))
	}
}

func (w *simWorld) checkVerdict(row Row) {
	s := &w.server
	w.stats["lost: "+string(row.Reason)]++
	switch {
	case row.Reason == ReasonRevoked && (!s.ended || s.killed || s.current != int(row.Generation)):
		w.violation("I4: recorded revoked: ended by the user %v, by reuse %v, generation %d, provider at %d", s.ended, s.killed, row.Generation, s.current)
	case row.Reason == ReasonLostInFlight && !w.disturbed:
		w.violation("I4: recorded lost_in_flight, though every request was answered")
	case row.Reason == ReasonLostInFlight && s.alive && s.current == int(row.Generation):
		w.violation("I4: generation %d is recorded lost and works", row.Generation)
	}
}

// checkEnd looks at a world in which nothing has been wrong for long, through
// a process that lives.
func (w *simWorld) checkEnd(p *simProcess) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute)
	defer cancel()
	tok, err := p.app.Grant(w.id).Token(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	s, row := &w.server, w.row()
	if s.posts != s.accepted && s.alive && !w.disturbed {
		w.violation("I5: %d token POSTs for %d rotations, and nothing was wrong", s.posts, s.accepted)
	}
	switch row.State {
	case StateActive:
		if err != nil || !s.alive && !s.ended || s.alive && tok.AccessToken != fmt.Sprintf("at-%d", s.current) {
			w.violation("at the end: generation %d of %d, alive %v, %v", row.Generation, s.current, s.alive, err)
		}
	case StateNeedsReauth:
		if s.accepts(int(row.Generation)) {
			w.violation("I4: recorded %s at generation %d, which works", row.Reason, row.Generation)
		}
	case StateTombstone:
		if row.Reason == ReasonConfirmed && s.alive {
			w.violation("I11: revoked and confirmed at generation %d; rt-%d works", row.Generation, s.current)
		}
	}
	for i, p := range w.processes {
		switch {
		case p.dead || row.State == StateTombstone:
		case p.holds > int(row.Generation) && !w.tombstoned: // or it was revoked, and that is forgotten
			w.violation("process %d was given rt-%d; the store is at generation %d", i, p.holds, row.Generation)
		case p.revoked:
			w.violation("I11: process %d revoked, and the row is %s", i, row.State)
		}
	}
}
