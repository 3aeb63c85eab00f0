package oauth

import (
	"testing"
	"time"
)

// TestSimulationIsFair plays schedules over which the referee once complained
// without a reason.
func TestSimulationIsFair(t *testing.T) {
	t.Parallel()
	for what, s := range map[string]schedule{
		// Another process saw the intent before its last try, and the request
		// came as late as if its time had run from there.
		"an intent is announced in four tries": {processes: 2, life: 2 * time.Minute, steps: []simStep{
			{do: doRefresh, wait: time.Minute},
			{do: doPost, post: postLost},
			{do: doPost, post: postSlow, wait: time.Minute},
			{after: 160 * time.Second, do: doSwap},
			{do: doSwap},
			{do: doSwap, swap: simSwap{applied: true, after: 30 * time.Millisecond}},
			{do: doToken, wait: time.Minute},
			{after: 100 * time.Millisecond, do: doToken, process: 1, wait: time.Minute},
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for range 200 { // how long a process waits between tries is left to chance
				if w := s.run(t, reuseGrace); len(w.violations) > 0 {
					t.Fatalf("%q\n%v", w.violations, s)
				}
			}
		})
	}
}
