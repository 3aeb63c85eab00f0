package oauth

import (
	"errors"
	"io"
	"net/http"
	"net/url"
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

// Once we have said that nothing was sent, nothing may be: the intent is gone.
func TestNothingIsReadAfterTheVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := make(chan error, 1)
		p := roundTrip(func(r *http.Request) (*http.Response, error) {
			go func() { // as net/http's writer may, a moment after the round trip has failed
				time.Sleep(time.Second)
				_, err := io.ReadAll(r.Body)
				late <- err
			}()
			return nil, errCut
		})
		a := newTestApp(t, p, NewMemoryStore())
		_, sent, fail := a.postToken(t.Context(), budget{start: time.Now(), size: time.Minute}, url.Values{})
		if sent || fail == nil {
			t.Errorf("sent %v, %v", sent, fail)
		}
		if err := <-late; !errors.Is(err, errBudget) {
			t.Error("the form was read all the same:", err)
		}
	})
}
