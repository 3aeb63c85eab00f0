package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// manyGrants signs n users in; each grant has a provider family of its own
// only in name: the fake answers as its script says.
func manyGrants(t *testing.T, a *App, n int) []*Grant {
	t.Helper()
	grants := make([]*Grant, n)
	for i := range grants {
		id, err := a.createGrant(t.Context(), &answer{
			Issued: time.Now().Round(0), AccessToken: "at", RefreshToken: Secret(fmt.Sprintf("rt-of-%d", i)), Scope: "profile", Lifetime: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		grants[i] = a.Grant(id)
	}
	return grants
}

// failing is a provider that fails so many times and then is well.
func failing(times int, fail func() *http.Response) *fakeProvider {
	p := newFakeProvider()
	p.latency = 0
	for n := range 1000 {
		p.script = append(p.script, behaviour{answer: func(string) *http.Response {
			if n < times {
				return fail()
			}
			return reply(200, "application/json", `{"access_token":"at-new","refresh_token":"rt-new","expires_in":899}`)
		}})
	}
	return p
}

func states(t *testing.T, grants []*Grant) map[State]int {
	t.Helper()
	count := map[State]int{}
	for _, g := range grants {
		info, err := g.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count[info.State]++
	}
	return count
}

func TestCircuit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fail  func() *http.Response
		times int // how many requests fail before all is well
		posts int // by 100 grants at once
		dead  int
		pause time.Duration // until it is tried again
	}{
		{"a client that is not known", func() *http.Response { return reply(401, "application/json", `{"error":"invalid_client"}`) }, 1, 1, 0, time.Minute},
		{"asked to wait", func() *http.Response {
			r := reply(429, "text/html", "slow down")
			r.Header.Set("Retry-After", "90")
			return r
		}, 1, 1, 0, 90 * time.Second},
		{"asked to wait a year", func() *http.Response {
			r := reply(503, "text/html", "")
			r.Header.Set("Retry-After", "31536000")
			return r
		}, 1, 1, 0, 5 * time.Minute},
		{"down", func() *http.Response { return reply(502, "text/html", "<h1>Bad gateway</h1>") }, 5, 5, 0, 2 * time.Second},
		{"everybody refused", func() *http.Response { return reply(400, "application/json", `{"error":"invalid_grant"}`) }, 11, 11, 10, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := failing(c.times, c.fail)
				a := newTestApp(t, p, NewMemoryStore())
				grants := manyGrants(t, a, 100)
				time.Sleep(2 * time.Minute)
				for _, g := range grants {
					if _, err := g.Token(t.Context()); err == nil {
						t.Fatal("a token while the provider fails")
					}
				}
				if _, err := grants[99].Token(t.Context()); !errors.Is(err, ErrProviderDown) {
					t.Error(err)
				}
				if got := states(t, grants); len(p.sent()) != c.posts || got[StateNeedsReauth] != c.dead {
					t.Errorf("%d token POSTs, states %v; want %d, %d dead", len(p.sent()), got, c.posts, c.dead)
				}
				time.Sleep(c.pause + 30*time.Second)
				if _, err := grants[99].Token(t.Context()); err != nil {
					t.Error("afterwards:", err)
				}
			})
		})
	}
}

// A failure that nothing came of stands for a moment, longer each time, so that
// a herd of callers is not a herd of attempts.
func TestFailuresStandForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		store.set(func(int, Row) (bool, error) { return false, nil })
		for range 10_000 {
			if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, ErrStoreUnavailable) {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		store.mu.Lock()
		swaps := store.swaps
		store.mu.Unlock()
		if swaps > 12 || len(p.sent()) != 0 {
			t.Errorf("10,000 calls in 10 s tried the store %d times and the provider %d times", swaps, len(p.sent()))
		}
	})
}

// Refusals that go on for an hour are believed: their users must hear of it.
func TestRefusalsAreBelievedInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := failing(1000, func() *http.Response { return reply(400, "application/json", `{"error":"invalid_grant"}`) })
		a := newTestApp(t, p, NewMemoryStore())
		grants := manyGrants(t, a, 15)
		for range 80 {
			time.Sleep(2 * time.Minute)
			for _, g := range grants {
				if _, err := g.Token(t.Context()); err == nil {
					t.Fatal("a token")
				}
			}
		}
		if got := states(t, grants); got[StateNeedsReauth] != 15 {
			t.Errorf("after %v: %v", 160*time.Minute, got)
		}
	})
}
