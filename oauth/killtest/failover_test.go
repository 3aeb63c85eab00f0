//go:build unix

package killtest

import (
	"net/url"
	"testing"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// An asynchronous replica of PostgreSQL takes over. A grant whose rotation it
// has goes on, though nobody can know that it has it. One whose rotation it
// lacks goes on where a process lives that made it; to a process that comes anew
// it is lost, and recorded so.
func TestFailover(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		behind bool // the replica lacks a rotation
		lives  bool // the process that made it goes on
		want   string
		reuses int
	}{
		"in step":                       {want: refreshed},
		"in step, the process lives":    {lives: true, want: refreshed},
		"behind":                        {behind: true, want: string(oauth.ReasonLostInFlight), reuses: 1},
		"behind, but the process lives": {behind: true, lives: true, want: refreshed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL, o.RefreshReuse = outageTTL/4, emulator.ReuseRevoke })
			primary := pgtest.Start(t)
			who, s := signIn(t, emu, "postgres", primary.DSN)
			replica := primary.Replica(t)
			if tt.behind {
				replica.Kill(t)
			}
			app := replicas(t, "postgres", both(t, primary.DSN, replica.DSN), who)[0]
			if end := refresh(t.Context(), app.Grant(who.Grant)); end != refreshed {
				t.Fatal(end)
			}
			before, err := s.Load(t.Context(), who.Grant)
			if err != nil {
				t.Fatal(err)
			}
			if tt.behind {
				primary.Kill(t)
				replica.Restart(t)
			} else {
				replica.CatchUp(t, primary)
				primary.Kill(t)
			}
			replica.Promote(t)

			if !tt.lives {
				app = replicas(t, "postgres", both(t, primary.DSN, replica.DSN), who)[0]
			}
			if end := refresh(t.Context(), app.Grant(who.Grant)); end != tt.want {
				t.Errorf("it ends: %s, want %s", end, tt.want)
			}
			if got := len(emu.Log().Reuses()); got != tt.reuses {
				t.Errorf("%d refresh tokens were presented twice, want %d", got, tt.reuses)
			}
			after, err := stores()["postgres"](replica.DSN)
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

// both is the DSN of whichever server takes writes.
func both(t *testing.T, first, second string) string {
	t.Helper()
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	u.Host += "," + other.Host
	return pgtest.With(t, u.String(), "target_session_attrs", "read-write")
}
