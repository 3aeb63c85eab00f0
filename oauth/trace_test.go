package oauth

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A hook that panics loses nothing, wherever it is called.
func TestTraceThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		var mu sync.Mutex
		called := map[string]int{}
		hook := func(name string) {
			mu.Lock()
			called[name]++
			mu.Unlock()
			panic(name)
		}
		a.config.Trace = &Trace{
			Change:        func(TokenEvent) { hook("change") },
			TokenRequest:  func(time.Duration, bool, error) { hook("token request") },
			Wait:          func(time.Duration, error) { hook("wait") },
			Store:         func(string, time.Duration, error) { hook("store") },
			CommitPending: func(int) { hook("commit pending") },
		}
		time.Sleep(2 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) {
			if n == 2 {
				return false, ErrNotWritten
			}
			return true, nil
		})
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Fatal(tok, err)
		}
		synctest.Wait()
		if row, _ := rowOf(t, a, id); row.Generation != 2 || len(p.sent()) != 1 {
			t.Errorf("generation %d, %d token POSTs", row.Generation, len(p.sent()))
		}
		mu.Lock()
		defer mu.Unlock()
		for name, least := range map[string]int{"change": 1, "token request": 1, "wait": 1, "store": 5, "commit pending": 2} {
			if called[name] < least {
				t.Errorf("%s was called %d times", name, called[name])
			}
		}
	})
}
