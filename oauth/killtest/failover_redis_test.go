//go:build unix

package killtest

import (
	"testing"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// A replica of Redis takes over, or a server comes back with less than it had
// acknowledged, as after a power cut under appendfsync everysec. A grant whose
// rotation is there goes on; one whose rotation is gone is lost to a process
// that comes anew, and recorded so.
func TestFailoverOfRedis(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail   func(t *testing.T, s *redistest.Server, rotate func()) (next *redistest.Server)
		want   string
		reuses int
	}{
		"a replica in step": {func(t *testing.T, s *redistest.Server, rotate func()) *redistest.Server {
			r := s.Follower(t)
			rotate()
			s.Do(t, "wait", 1, 5000)
			s.Kill(t)
			r.Do(t, "replicaof", "no", "one")
			return r
		}, refreshed, 0},
		"a replica behind": {func(t *testing.T, s *redistest.Server, rotate func()) *redistest.Server {
			r := s.Follower(t)
			r.Do(t, "replicaof", "no", "one") // what comes now does not reach it
			rotate()
			s.Kill(t)
			return r
		}, string(oauth.ReasonLostInFlight), 1},
		"a power cut": {func(t *testing.T, s *redistest.Server, rotate func()) *redistest.Server {
			flushed := s.Size(t)
			rotate()
			s.Kill(t)
			s.Truncate(t, flushed)
			s.Restart(t)
			return s
		}, string(oauth.ReasonLostInFlight), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL, o.RefreshReuse = outageTTL/4, emulator.ReuseRevoke })
			first := redistest.Start(t, "appendonly", "yes", "appendfsync", "everysec")
			who, s := signIn(t, emu, "redis", first.URL())
			before, err := s.Load(t.Context(), who.Grant)
			if err != nil {
				t.Fatal(err)
			}
			next := tt.fail(t, first, func() {
				app := replicas(t, "redis", first.URL(), who)[0]
				if end := refresh(t.Context(), app.Grant(who.Grant)); end != refreshed {
					t.Fatal(end)
				}
				if err := app.Close(t.Context()); err != nil { // while it lives it writes back what is forgotten
					t.Fatal(err)
				}
			})
			anew := replicas(t, "redis", next.URL(), who)[0]
			if end := refresh(t.Context(), anew.Grant(who.Grant)); end != tt.want {
				t.Errorf("it ends: %s, want %s", end, tt.want)
			}
			if got := len(emu.Log().Reuses()); got != tt.reuses {
				t.Errorf("%d refresh tokens were presented twice, want %d", got, tt.reuses)
			}
			after, err := openRedis(next.URL())
			if err != nil {
				t.Fatal(err)
			}
			defer after.Close()
			row, err := after.Load(t.Context(), who.Grant)
			if err != nil || row.StoreRun == before.StoreRun || row.RunID != row.StoreRun || row.DoubtGen == 0 {
				t.Errorf("generation %d in doubt of %d, run %q of %q, which was %q before (%v)", row.Generation, row.DoubtGen, row.RunID, row.StoreRun, before.StoreRun, err)
			}
		})
	}
}
