package redisstore

import (
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

var kills = flag.Int("kills", 1, "how often servers are killed under load")

// A server that is killed under load comes back with everything that it had
// acknowledged if it flushes always. One that flushes every second may have held
// writes back while a flush was under way; and if the machine dies with it the
// last second is gone, as here where its file is cut back to what it was a
// second before. Whatever is gone, the run tells.
func TestServerKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, fsync string
		powerCut    bool
	}{
		{"always", "always", false},
		{"everysec", "everysec", false},
		{"everysec, power cut", "everysec", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			written, lost := 0, 0
			for range *kills {
				w, l := killUnderLoad(t, tt.fsync, tt.powerCut)
				written, lost = written+w, lost+l
			}
			t.Logf("%d kills: %d writes acknowledged, %d of them lost", *kills, written, lost)
			if written == 0 || lost > 0 && tt.fsync == "always" || lost == 0 && tt.powerCut {
				t.Errorf("%d of %d acknowledged writes were lost", lost, written)
			}
		})
	}
}

func killUnderLoad(t *testing.T, fsync string, powerCut bool) (written, lost int) {
	t.Helper()
	server := redistest.Start(t, "appendonly", "yes", "appendfsync", fsync, "auto-aof-rewrite-percentage", "0")
	s := openWith(t, Options{URL: server.URL()})
	rows := make([]oauth.Row, 8)
	for i := range rows {
		rows[i] = mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	}
	server.Written(t)
	var acknowledged atomic.Int64
	load := func(d time.Duration) { // as long as that, and until more was written than may have been under way
		enough := acknowledged.Load() + 2*int64(len(rows))
		end := time.Now().Add(patience)
		for time.Sleep(d); acknowledged.Load() < enough && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	var writers sync.WaitGroup
	for i := range rows {
		writers.Go(func() {
			for {
				next := sample(rows[i].GrantID, rows[i].Generation+1)
				stored, err := s.Swap(t.Context(), rows[i].Version, next)
				if err != nil {
					return
				}
				rows[i] = stored
				acknowledged.Add(1)
			}
		})
	}
	load(time.Second / 2)
	size := server.Size(t)
	load(time.Second)
	server.Kill(t)
	writers.Wait()
	if powerCut {
		server.Truncate(t, size)
	}
	server.Restart(t)
	for _, row := range rows {
		got := mustLoad(t, s, row.GrantID)
		if got.StoreRun == row.StoreRun {
			t.Error("the run is as before")
		}
		written += int(row.Generation) - 1
		lost += max(0, int(row.Generation)-int(got.Generation))
		if got.Generation > row.Generation+1 {
			t.Errorf("generation %d is stored, %d was acknowledged", got.Generation, row.Generation)
		}
	}
	return written, lost
}
