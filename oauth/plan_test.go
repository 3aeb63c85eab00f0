package oauth

import (
	"errors"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) // the store's clock and ours
	w := windows{send: 10 * time.Second, drain: 10 * time.Second, least: 20 * time.Second}
	row := func(edit func(*Row)) Row {
		r := Row{
			GrantID: NewGrantID(), Generation: 3, State: StateActive, RunID: "run", StoreRun: "run",
			Expiry: now.Add(-time.Minute), CommittedAt: now.Add(-time.Hour), Now: now,
		}
		edit(&r)
		return r
	}
	intent := func(deadline time.Duration) func(*Row) {
		return func(r *Row) { r.Intent = &Intent{ID: "i", Base: 3, Deadline: now.Add(deadline)} }
	}
	for _, c := range []struct {
		name  string
		row   Row
		known uint64
		want  plan
	}{
		{"nothing in the way", row(func(*Row) {}), 3, plan{step: stepSend}},
		{"somebody was faster", row(func(*Row) {}), 2, plan{step: stepAdopt}},
		{"somebody was faster and is at it again", row(intent(time.Second)), 2, plan{step: stepAdopt}},
		{"committed 5s ago", row(func(r *Row) { r.CommittedAt = now.Add(-5 * time.Second) }), 3, plan{step: stepWait, wait: 15 * time.Second}},
		{"committed in the future of a clock that was wrong", row(func(r *Row) { r.CommittedAt = now.Add(time.Hour) }), 3, plan{step: stepSend}},
		{"somebody sends", row(intent(4 * time.Second)), 3, plan{step: stepWait, wait: 14 * time.Second}},
		{"past the deadline, not drained", row(intent(-4 * time.Second)), 3, plan{step: stepWait, wait: 6 * time.Second}},
		{"drained", row(intent(-10 * time.Second)), 3, plan{step: stepProbe}},
		{"drained, but the access token lives", row(func(r *Row) { intent(-time.Hour)(r); r.Expiry = now.Add(time.Minute) }), 3, plan{step: stepWait, wait: time.Minute}},
		{"a probe known unsent", row(func(r *Row) { r.DoubtGen = 3 }), 3, plan{step: stepProbe}},
		{"a doubtful token, but the access token lives", row(func(r *Row) { r.DoubtGen, r.Expiry = 3, now.Add(time.Minute) }), 3, plan{step: stepWait, wait: time.Minute}},
		{"doubt about an older generation", row(func(r *Row) { r.DoubtGen = 2 }), 3, plan{step: stepSend}},
		{"failover", row(func(r *Row) { r.StoreRun = "another" }), 2, plan{step: stepQuarantine}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := next(c.row, c.known, w, now, longWatched); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		past, watched time.Duration
		want          plan
	}{
		{10 * time.Second, 0, plan{step: stepWait, wait: 20 * time.Second}},
		{10 * time.Second, 19 * time.Second, plan{step: stepWait, wait: time.Second}},
		{10 * time.Second, 20 * time.Second, plan{step: stepProbe}},
		{time.Hour, 0, plan{step: stepWait, wait: 20 * time.Second}},
		{time.Hour + 10*time.Second, 0, plan{step: stepProbe}},
	} {
		if got := next(row(intent(-c.past)), 3, w, now, c.watched); got != c.want {
			t.Errorf("%v past the deadline, watched for %v: %+v, want %+v", c.past, c.watched, got, c.want)
		}
	}
	for _, c := range []struct {
		name  string
		row   Row
		known uint64
		step  step
		want  error
	}{
		{"tombstone", row(func(r *Row) { r.State, r.StoreRun = StateTombstone, "another" }), 0, stepFail, ErrRevoked},
		{"needs_reauth", row(func(r *Row) { r.State = StateNeedsReauth }), 0, stepFail, ErrNeedsReauth},
		{"a restored backup", row(func(*Row) {}), 4, stepRestore, ErrCorruptRow},
		{"a restored backup of a tombstone", row(func(r *Row) { r.State = StateTombstone }), 4, stepRestore, ErrRevoked},
	} {
		if got := next(c.row, c.known, w, now, longWatched); got.step != c.step || !errors.Is(got.err, c.want) {
			t.Errorf("%s: %+v, want step %d, %v", c.name, got, c.step, c.want)
		}
	}
}

func TestWindowsScaleWithTheLifetime(t *testing.T) {
	t.Parallel()
	a := &App{config: Config{SendBudget: 10 * time.Second, DrainMargin: 12 * time.Second}}
	for _, c := range []struct {
		life, send, drain, early, staleLeast, staleMost time.Duration
	}{
		{899 * time.Second, 10 * time.Second, 12 * time.Second, 10 * time.Second, 60 * time.Second, 899 * time.Second * 2 / 15},
		{24 * time.Hour, 10 * time.Second, 12 * time.Second, 10 * time.Second, 65 * time.Second, 2 * time.Minute},
		{time.Minute, 5 * time.Second, 6 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second},
		{12 * time.Second, time.Second, 1200 * time.Millisecond, 600 * time.Millisecond, time.Second, 1600 * time.Millisecond},
		{0, 10 * time.Second, 12 * time.Second, 6 * time.Second, 11 * time.Second, 16 * time.Second},
	} {
		now := time.Now()
		w := a.windows(Row{GrantID: NewGrantID(), RefreshIssued: now, Expiry: now.Add(c.life)})
		if w.send != c.send || w.drain != c.drain || w.least != c.send+c.drain || w.early != c.early ||
			w.stale < c.staleLeast || w.stale > c.staleMost {
			t.Errorf("lifetime %v: %+v, want %+v", c.life, w, c)
		}
	}
}

// A moment passes by whichever clock says so first.
func TestMoment(t *testing.T) {
	t.Parallel()
	start := time.Now()
	m := momentAt(start.Round(0).Add(time.Minute), start)
	for _, c := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"both before", start.Add(59 * time.Second), false},
		{"both after", start.Add(61 * time.Second), true},
		{"asleep: only the wall clock went on", start.Round(0).Add(2 * time.Minute), true},
	} {
		if got := m.passed(c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	back := moment{mono: start.Add(-time.Second), wall: start.Add(time.Hour).UnixNano()}
	if !back.passed(start) {
		t.Error("a wall clock stepped back by an hour keeps the token alive")
	}
}
