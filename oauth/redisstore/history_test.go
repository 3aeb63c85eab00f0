package redisstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

// Whenever writes may be lost, rows have another StoreRun from then on; and only
// then.
func TestHistory(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"kept always": {"appendonly", "yes", "appendfsync", "always"},
		"snapshots":   {"save", "3600 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, settings...)
			s := openWith(t, Options{URL: server.URL(), Volatile: true})
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			server.Do(t, "set", "unrelated", "write")
			if got := mustLoad(t, openWith(t, Options{URL: server.URL(), Volatile: true}), row.GrantID); got.StoreRun != row.StoreRun {
				t.Error("two clients see two runs")
			}
			if name == "snapshots" {
				server.Do(t, "save")
			}
			server.Kill(t)
			server.Restart(t)
			if got := mustLoad(t, s, row.GrantID); got.StoreRun == row.StoreRun || got.Version != row.Version {
				t.Errorf("after a restart the run is %q, as before", got.StoreRun)
			}
		})
	}
}

// A promotion is another history, and so is the way back: what the first server
// had and the second one lacked is gone from both, though the first one never
// ended.
func TestHistoryOfFailovers(t *testing.T) {
	t.Parallel()
	first := redistest.Start(t)
	a := openWith(t, Options{URL: first.URL(), Volatile: true})
	row := mustSwap(t, a, "", sample(oauth.NewGrantID(), 1))
	second := first.Follower(t)
	second.Do(t, "replicaof", "no", "one")
	newer := mustSwap(t, a, row.Version, sample(row.GrantID, 2)) // which the second does not get

	b := openWith(t, Options{URL: second.URL(), Volatile: true})
	got := mustLoad(t, b, row.GrantID)
	if got.Generation != 1 || got.StoreRun == row.StoreRun {
		t.Errorf("after a failover: generation %d, run as before: %v", got.Generation, got.StoreRun == row.StoreRun)
	}
	if _, err := b.Swap(t.Context(), row.Version, row); !errors.Is(err, oauth.ErrConflict) {
		t.Errorf("a row that was read before the failover is written after it: %v", err)
	}
	first.Follow(t, second)
	if _, err := a.Load(t.Context(), row.GrantID); err == nil {
		t.Error("a replica was read")
	}
	second.Kill(t)
	first.Do(t, "replicaof", "no", "one")
	back := mustLoad(t, a, row.GrantID)
	if back.Generation != 1 || back.StoreRun == row.StoreRun || back.StoreRun == got.StoreRun {
		t.Errorf("back on the first server: generation %d (it once had %d), runs %q, %q, %q",
			back.Generation, newer.Generation, row.StoreRun, got.StoreRun, back.StoreRun)
	}
}

// In a cluster a replica takes over the slots of a primary that died. Clients
// follow, and the rows of the other shards are not concerned.
func TestHistoryOfCluster(t *testing.T) {
	t.Parallel()
	soon := []string{"cluster-node-timeout", "3000"} // a primary is taken for dead
	servers := redistest.Cluster(t, 3, soon...)
	spare := servers[0].Replica(t, soon...)
	s := openWith(t, Options{URL: servers[1].URL() + "?addr=" + servers[2].Addr, Volatile: true})
	rows := make([]oauth.Row, 60)
	for i := range rows {
		rows[i] = mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	}
	servers[0].Do(t, "wait", 1, 5000)
	servers[0].Kill(t)
	for !strings.Contains(spare.Do(t, "info", "replication").(string), "role:master") { // elected by those who had noticed
		time.Sleep(5 * time.Millisecond)
	}
	servers[1].Await(t, "cluster_state:ok")
	moved := 0
	for _, row := range rows {
		got, err := s.Load(t.Context(), row.GrantID)
		for end := time.Now().Add(patience); err != nil && time.Now().Before(end); {
			got, err = s.Load(t.Context(), row.GrantID)
		}
		if err != nil || got.Version != row.Version {
			t.Fatalf("version %q of %q, %v", got.Version, row.Version, err)
		}
		slot := servers[1].Do(t, "cluster", "keyslot", s.bucketOf(string(row.GrantID)).grant(row.GrantID)).(int64)
		if first := slot < 16384/3; first != (got.StoreRun != row.StoreRun) {
			t.Errorf("slot %d: run %q became %q", slot, row.StoreRun, got.StoreRun)
		} else if first {
			moved++
		}
	}
	if moved == 0 || moved == len(rows) {
		t.Errorf("%d of %d rows were on the server that died", moved, len(rows))
	}
	if _, err := s.ClaimDue(t.Context(), 1, time.Hour); err != nil {
		t.Error(err)
	}
}
