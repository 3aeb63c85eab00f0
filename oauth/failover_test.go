package oauth

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// failOver makes s a store that may have lost a write: its run is another.
func failOver(s *MemoryStore) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run += " after a failover"
}

// An intent of unknown outcome is not written again over a failover: the store
// may have forgotten somebody else's, who has sent.
func TestFailoverUnderAnIntent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent time.Time
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		p.script = []behaviour{{answer: func(honest string) *http.Response {
			sent = time.Now()
			return reply(200, "application/json", honest)
		}}}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		failed := time.Now()
		store.set(func(n int, _ Row) (bool, error) {
			if n == 1 {
				failOver(store.MemoryStore)
				return false, ErrUnknown
			}
			return true, nil
		})
		tok, err := a.Grant(id).Token(t.Context())
		if err != nil || tok.AccessToken != "at-2" {
			t.Fatal(tok, err)
		}
		if drained := 10 * time.Second; sent.Sub(failed) < drained { // of a minute's token: budget and margin of 5s
			t.Errorf("sent %v after the failover, before a request under a forgotten intent has drained", sent.Sub(failed))
		}
		if row, _ := rowOf(t, a, id); row.Generation != 2 || row.DoubtGen != 1 || row.RunID != row.StoreRun || len(p.sent()) != 1 {
			t.Errorf("generation %d, doubt %d, %d token POSTs", row.Generation, row.DoubtGen, len(p.sent()))
		}
	})
}

// A pair that is committed over a failover is doubtful: the store may have
// forgotten a probe that killed it.
func TestFailoverUnderARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		p.script = []behaviour{{answer: func(honest string) *http.Response {
			failOver(store)
			return reply(200, "application/json", honest)
		}}}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Fatal(tok, err)
		}
		row, held := rowOf(t, a, id)
		if row.Generation != 2 || held.Refresh != "rt-2" || row.DoubtGen != 2 || row.RunID != row.StoreRun || len(p.sent()) != 1 {
			t.Errorf("generation %d, doubt %d, run %q of %q, %d token POSTs", row.Generation, row.DoubtGen, row.RunID, row.StoreRun, len(p.sent()))
		}
	})
}
