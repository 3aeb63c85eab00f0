package transport_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rblx-go/opencloud/transport"
)

// Whatever a program's rhythm, the clocks and the network are like, an honest
// server has nothing to refuse, and nobody waits longer than the limit makes
// them: a queue moves by a window's worth each period.
func TestPaceRandomly(t *testing.T) {
	t.Parallel()
	type step struct {
		pause time.Duration
		burst int
	}
	rapid.Check(t, func(rt *rapid.T) {
		per := rapid.SampledFrom([]time.Duration{8 * time.Second, time.Minute}).Draw(rt, "per")
		ms := func(name string, least, most int) time.Duration {
			return time.Duration(rapid.IntRange(least, most).Draw(rt, name)) * time.Millisecond
		}
		server := &honest{max: rapid.IntRange(1, 30).Draw(rt, "max"), per: per, there: ms("there", 0, 800), back: ms("back", 0, 1200), jitter: rapid.Bool().Draw(rt, "jitter")}
		server.silent = rapid.Bool().Draw(rt, "silent")
		if !server.silent {
			server.skew = ms("skew", -int(per/time.Millisecond), int(per/time.Millisecond))
		}
		m := *getThing
		m.KeyLimit = transport.Limit{Max: server.max, Per: per}
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{ms("pause", 0, int(per/time.Millisecond)*3/2), rapid.IntRange(0, 2*server.max).Draw(rt, "burst")}
		}), 1, 30).Draw(rt, "steps")

		total, bad := 0, 0
		var took, pauses time.Duration
		synctest.Test(t, func(t *testing.T) {
			paced := new(transport.Pacer).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
			start := time.Now()
			var all sync.WaitGroup
			for _, s := range steps {
				time.Sleep(s.pause)
				pauses += s.pause
				total += s.burst
				for range s.burst {
					all.Go(func() {
						if status, err := call(t.Context(), t, paced, &m, ""); err != nil || status != http.StatusOK {
							bad++
						}
					})
				}
				synctest.Wait()
			}
			all.Wait()
			took = time.Since(start)
		})
		if server.refused != 0 {
			rt.Errorf("%d answers of 429 of %d, want none", server.refused, total)
		}
		if bad != server.refused {
			rt.Errorf("%d calls failed", bad)
		}
		if most := pauses + time.Duration(total/server.max+2)*per + 4*time.Second; took > most {
			rt.Errorf("it took %v, want at most %v", took, most)
		}
	})
}
