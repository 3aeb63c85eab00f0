package oauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestSimulation runs the real code in simulated worlds of a strict provider,
// a store and two or three processes, with random faults at random times, and
// checks what must hold in all of them. -rapid.checks=N runs 10 N schedules
// for each of the three kinds of provider.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for _, kind := range []reuse{reuseReject, reuseRevoke, reuseGrace} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			stats, schedules := map[string]int{}, 0
			for range 10 {
				rapid.Check(t, func(rt *rapid.T) {
					s := drawSchedule(rt)
					w := s.run(t, kind)
					schedules++
					for what, n := range w.stats {
						stats[what] += n
					}
					if len(w.violations) > 0 {
						rt.Fatalf("%s\n%v", strings.Join(w.violations, "\n"), s)
					}
				})
			}
			for _, what := range slices.Sorted(maps.Keys(stats)) {
				t.Logf("%-24s %6d in %d schedules", what, stats[what], schedules)
			}
			if schedules < 10_000 {
				return // too few to hold against what is left to chance
			}
			for _, what := range []string{"in doubt", "probe won", "probe lost", "conflict", "unknown", "late commit", "forgotten rotation", "clock step"} {
				if stats[what]*100 < schedules {
					t.Errorf("%s: less than one in a hundred schedules", what)
				}
			}
		})
	}
}

// schedule is a whole run, drawn before it begins: rapid must not be asked
// from within a bubble.
type schedule struct {
	processes int
	life      time.Duration // of access tokens
	steps     []simStep
}

type simStep struct {
	after   time.Duration // the step before
	process int
	do      string
	wait    time.Duration // a caller's patience, a fault's length
	nth     int           // boundaries until a process stops; half of it, writes that a failover forgets
	post    postFault
	swap    simSwap
	hangs   bool
}

// String implements fmt.Stringer.
func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d processes, tokens of %v\n", s.processes, s.life)
	for _, st := range s.steps {
		fmt.Fprintf(&b, "%+v\n", st)
	}
	return b.String()
}

const (
	doToken   = "token"
	doRefresh = "refresh"
	doRevoke  = "revoke"
	doRearm   = "rearm"
	doEvict   = "the cache is needed for others"
	doKeep    = "a keeper"
	doEnd     = "the user ends the authorization"
	doPost    = "post fault"
	doSwap    = "swap fault"
	doCut     = "cut off from the store"
	doPause   = "pause"
	doCrash   = "crash"
	doFail    = "the store fails over"
	doForget  = "the store fails over and forgets"
	doClock   = "the store's clock steps forward"
)

func drawSchedule(rt *rapid.T) schedule {
	s := schedule{
		processes: rapid.IntRange(2, 3).Draw(rt, "processes"),
		life:      time.Duration(rapid.SampledFrom([]int{30, 120, 900}).Draw(rt, "life")) * time.Second,
	}
	// Callers more often than faults, faults more often than ends.
	kinds := []string{
		doToken, doToken, doToken, doToken, doToken, doToken, doToken, doRefresh, doRefresh, doRefresh,
		doPost, doPost, doPost, doPost, doSwap, doSwap, doSwap, doCut, doCut, doPause, doPause, doCrash, doCrash,
		doFail, doForget, doClock, doEnd, doRevoke, doRearm, doEvict, doEvict, doKeep, doKeep,
	}
	if rapid.IntRange(0, 7).Draw(rt, "calm") == 0 {
		kinds = kinds[:10]
	}
	step := rapid.Custom(func(rt *rapid.T) simStep {
		return simStep{
			after:   s.drawGap(rt),
			process: rapid.IntRange(0, s.processes-1).Draw(rt, "process"),
			do:      rapid.SampledFrom(kinds).Draw(rt, "do"),
			wait:    rapid.SampledFrom([]time.Duration{time.Second, s.least() / 2, s.least() * 9 / 8, s.least() * 3, time.Minute}).Draw(rt, "wait"),
			nth:     rapid.IntRange(1, 12).Draw(rt, "nth"),
			post:    rapid.SampledFrom([]postFault{postDropped, postLost, postLate, postSlow, postOrphaned, postSwallowed, post502Before, post502After}).Draw(rt, "post"),
			swap: simSwap{
				applied: rapid.Bool().Draw(rt, "applied"),
				after:   rapid.SampledFrom([]time.Duration{0, 0, 30 * time.Millisecond, time.Second, 20 * time.Second}).Draw(rt, "lands"),
			},
			hangs: rapid.Bool().Draw(rt, "hangs"),
		}
	})
	least := rapid.SampledFrom([]int{3, 3, 12}).Draw(rt, "least") // few faults meet in a short one
	s.steps = rapid.SliceOfN(step, least, 28).Draw(rt, "steps")
	return s
}

// drawGap is anything from at once to beyond the token's lifetime.
func (s schedule) drawGap(rt *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{
		0, 0, 0, time.Millisecond, 15 * time.Millisecond, 45 * time.Millisecond, time.Second,
		s.least() / 2, s.least() * 9 / 8, s.life / 2, s.life - time.Second, s.life, s.life + s.life/3,
	}).Draw(rt, "after")
}

// least is the protocol's least interval between two refreshes.
func (s schedule) least() time.Duration {
	return min(s.life, fullLifetime) / (fullLifetime / (defaultSendBudget + defaultDrainMargin))
}

// run plays the schedule, then lets everything heal and looks at what is left.
func (s schedule) run(t *testing.T, kind reuse) *simWorld {
	var w *simWorld
	synctest.Test(t, func(t *testing.T) {
		w = &simWorld{
			t: t, store: NewMemoryStore(), durable: map[string]bool{}, intents: map[string]bool{}, stats: map[string]int{},
			server: simServer{reuse: kind, life: s.life, current: 1, alive: true, underway: map[int]int{}},
		}
		for range s.processes {
			w.processes = append(w.processes, w.start())
		}
		var err error
		if w.id, err = newTestApp(t, w.processes[0], w.store).createGrant(t.Context(), &answer{Issued: time.Now().Round(0), AccessToken: "at-1", RefreshToken: "rt-1", Scope: "profile", Lifetime: s.life}); err != nil {
			t.Fatal(err)
		}
		w.durable["at-1"] = true
		for _, step := range s.steps {
			time.Sleep(step.after)
			w.play(step)
		}
		w.calls.Wait()
		w.heal()
		for _, p := range w.processes { // who keeps what a failover forgot looks before another one probes
			_, _ = p.app.Grant(w.id).Info(t.Context()) // ErrClosed and the like are no concern here
		}
		time.Sleep(2*s.life + 5*time.Minute)
		w.checkEnd(w.processes[0])
		for _, p := range w.processes {
			if err := p.app.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(5 * time.Minute) // what is left of dead processes runs into its end
	})
	return w
}

// heal ends all faults and replaces the dead.
func (w *simWorld) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server.next, w.swaps = nil, nil
	for _, p := range w.processes {
		p.pausedUntil, p.cutUntil = time.Time{}, time.Time{}
		p.crashIn, p.pauseIn = 0, 0
	}
	w.bury()
}

// bury replaces dead processes; the world's mutex is held.
func (w *simWorld) bury() {
	for i, p := range w.processes {
		if p.dead {
			w.processes[i] = w.start()
		}
	}
}

func (w *simWorld) play(step simStep) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bury()
	p := w.processes[step.process]
	switch step.do {
	case doToken, doRefresh:
		w.forced = w.forced || step.do == doRefresh
		w.calls.Go(func() { p.call(step) })
		return
	case doRevoke:
		w.calls.Go(func() { p.revoke(step) })
		return
	case doRearm:
		w.calls.Go(func() { _ = p.app.Grant(w.id).Rearm(w.t.Context()) })
		return
	case doEvict:
		squeeze(p.app.grants)
		return
	case doKeep:
		w.forced = true
		w.calls.Go(func() { p.keep(step) })
		return
	case doEnd:
		w.server.ended = w.server.ended || w.server.alive
		w.server.alive = false
		return
	case doSwap:
		w.swaps = append(w.swaps, step.swap)
		return
	}
	w.disturbed = true
	switch step.do {
	case doPost:
		w.server.next = append(w.server.next, simPost{step.post, step.wait})
	case doCut:
		p.cutUntil, p.cutHangs = time.Now().Add(step.wait), step.hangs
	case doPause:
		p.pauseIn, p.pauseFor = step.nth, step.wait
	case doCrash:
		p.crashIn = step.nth
	case doFail:
		w.failOver(0)
	case doForget:
		w.failOver((step.nth + 1) / 2)
	case doClock:
		w.ahead += step.wait
		w.stats["clock step"]++
	}
}

// call is a caller with a deadline of its own.
func (p *simProcess) call(step simStep) {
	w := p.world
	ctx, cancel := context.WithTimeout(w.t.Context(), step.wait)
	defer cancel()
	deadline, _ := ctx.Deadline()
	g, ask, gone := p.app.Grant(w.id), (*Grant).Token, false
	if step.do == doRefresh {
		ask = (*Grant).Refresh
	}
	w.locked(func() { gone = p.revoked })
	tok, err := ask(g, ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case p.dead:
		return
	case time.Now().After(deadline.Add(simLatency)) && p.pausedUntil.Add(simLatency).Before(deadline):
		w.violation("I6: a caller with a deadline at %v returned at %v: %v", deadline, time.Now(), err)
	case err == nil && !w.durable[tok.AccessToken]:
		w.violation("I2: %s was handed out before it was durable", tok.AccessToken)
	case err == nil && gone:
		w.violation("I11: %s was handed out after Revoke", tok.AccessToken)
	}
	if errors.Is(err, ErrInDoubt) {
		w.stats["told of doubt"]++
	}
}

func (p *simProcess) revoke(step simStep) {
	w := p.world
	ctx, cancel := context.WithTimeout(w.t.Context(), step.wait)
	defer cancel()
	if err := p.app.Grant(w.id).Revoke(ctx); err == nil {
		w.locked(func() {
			p.revoked = true
			w.stats["revoked"]++
		})
	}
}

// keep renews what is older than a minute.
func (p *simProcess) keep(step simStep) {
	ctx, cancel := context.WithTimeout(p.world.t.Context(), step.wait)
	defer cancel()
	_ = p.app.Keep(ctx, KeepOptions{MaxIdle: time.Minute, OnProgress: func(got KeepProgress) {
		if got.Renewed > 0 {
			p.world.count("kept")
		}
	}})
}
