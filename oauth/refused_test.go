package oauth

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// The user withdrew the authorization at Roblox: nobody's fault but known.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.familyOK = false
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		for range 3 {
			_, err := a.Grant(id).Token(t.Context())
			reauth, ok := errors.AsType[*ReauthError](err)
			if !ok || reauth.Reason != ReasonRevoked || !errors.Is(err, ErrNeedsReauth) {
				t.Fatal(err)
			}
		}
		if got := p.sent(); len(got) != 1 {
			t.Errorf("token POSTs %q, want one", got)
		}
	})
}

// A process that lost the race is told invalid_grant, reads again and adopts.
func TestRefusedButSomebodyRotated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		p.script = []behaviour{{answer: func(string) *http.Response {
			// Another process, without our protocol, commits in between.
			row, _ := rowOf(t, a, id)
			row.Generation, row.Intent = 2, nil
			row.RefreshIssued, row.Expiry = time.Now(), time.Now().Add(time.Hour)
			row.Sealed, _ = a.sealTokens(id, 2, tokens{Access: "at-theirs", Refresh: "rt-theirs"})
			if _, err := a.swap(t.Context(), row); err != nil {
				t.Error(err)
			}
			return reply(400, "application/json", `{"error":"invalid_grant"}`)
		}}}
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-theirs" {
			t.Error(tok, err)
		}
	})
}

// The next process would have to present the refused token once more, and could
// not tell a refusal from a loss any more.
func TestCloseWaitsForTheVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		p.familyOK = false
		time.Sleep(2 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) {
			if n == 2 || n == 3 { // the verdict's
				return false, ErrNotWritten
			}
			return true, nil
		})
		refused := make(chan error, 1)
		go func() { _, err := a.Grant(id).Token(t.Context()); refused <- err }()
		time.Sleep(p.latency)
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-refused; !errors.Is(err, ErrNeedsReauth) {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.State != StateNeedsReauth || row.Reason != ReasonRevoked || len(p.sent()) != 1 {
			t.Errorf("%s (%s), sent %q", row.State, row.Reason, p.sent())
		}
	})
}

// A loss that was recorded and not acknowledged is told of like any other.
func TestUnacknowledgedLossIsToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		p.familyOK = false
		var events []TokenEvent
		a.config.OnTokenChange = func(_ context.Context, e TokenEvent) { events = append(events, e) }
		time.Sleep(2 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) {
			if n == 2 { // the verdict's
				return true, ErrUnknown
			}
			return true, nil
		})
		_, err := a.Grant(id).Token(t.Context())
		if fail, ok := errors.AsType[*ProviderError](err); !errors.Is(err, ErrNeedsReauth) || !ok || fail.Code != "invalid_grant" {
			t.Error(err)
		}
		synctest.Wait()
		if len(events) != 1 || events[0].Kind != EventNeedsReauth || events[0].Reason != ReasonRevoked || store.swaps != 2 {
			t.Errorf("after %d writes: %+v", store.swaps, events)
		}
	})
}

// A late refusal leaves the intent of somebody's probe where it is: whoever has
// the grant rearmed must not send while that is under way.
func TestRefusalLeavesAProbeItsIntent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		p.familyOK = false
		answer, probed := make(chan struct{}), make(chan struct{})
		p.script = []behaviour{{hold: answer}, {hold: probed}}
		a, id := signedIn(t, p, store, time.Minute) // budget and margin are 5 s
		time.Sleep(2 * time.Minute)
		got := make(chan error, 3)
		refresh := func(a *App) { got <- second(a.Grant(id).Token(t.Context())) }
		go refresh(a)
		time.Sleep(time.Second)
		go refresh(newTestApp(t, p, store))
		time.Sleep(11 * time.Second)
		if len(p.sent()) != 2 {
			t.Fatalf("token POSTs %q, want a request and a probe", p.sent())
		}
		close(answer)
		if err := <-got; !errors.Is(err, ErrNeedsReauth) {
			t.Error("who sent first:", err)
		}
		c := newTestApp(t, p, store)
		if err := c.Grant(id).Rearm(t.Context()); err != nil {
			t.Error(err)
		}
		go refresh(c)
		time.Sleep(5 * time.Second)
		if row, _ := rowOf(t, c, id); row.State != StateActive || row.Intent == nil || len(p.sent()) != 2 {
			t.Errorf("%s, intent %v, token POSTs %q", row.State, row.Intent, p.sent())
		}
		close(probed)
		for range 2 {
			if err := <-got; !errors.Is(err, ErrNeedsReauth) {
				t.Error("the prober, and who came after Rearm:", err)
			}
		}
		if row, _ := rowOf(t, c, id); row.Reason != ReasonLostInFlight || row.Intent != nil || len(p.sent()) != 2 {
			t.Errorf("%s, intent %v, token POSTs %q", row.Reason, row.Intent, p.sent())
		}
	})
}
