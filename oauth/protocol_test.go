package oauth

import (
	"testing"
	"testing/synctest"
	"time"
)

// A store that answers at once, and only ever that it does not know, must not
// make us spin.
func TestUnknownIntentDoesNotSpin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) {
			if n > 1000 {
				time.Sleep(time.Second) // so that the test ends
			}
			return false, ErrUnknown
		})
		if _, err := a.Grant(id).Token(t.Context()); err == nil {
			t.Error("there is a token")
		}
		if store.swaps > 50 || len(p.sent()) != 0 {
			t.Errorf("%d writes, token POSTs %q", store.swaps, p.sent())
		}
	})
}
