package oauth

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// Group F: time.

// A row written by a process whose wall clock is off. The store's clock knows
// how old it is.
func TestScenario74_WallClockIsOff(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				row := s.row(s.grant)
				row.RefreshIssued, row.Expiry = row.RefreshIssued.Add(ahead), row.Expiry.Add(ahead)
				if _, err := s.store.MemoryStore.Swap(t.Context(), row.Version, row); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				for range 30 { // minutes
					s.served(s.grant)
					time.Sleep(time.Minute)
				}
				if got := s.emu.Log().TokenPOSTs("refresh_token"); got < 2 || got > 3 {
					t.Errorf("%d refreshes in half an hour", got)
				}
				s.lives()
			})
		})
	}
}

// With a token of doubtful fate, whose row says that it expires in an hour and
// more, the wait is no longer than it can live.
func TestScenario74_DoubtIsNoLongerThanALife(t *testing.T) {
	t.Parallel()
	play(t, func(_ *testing.T, s *scene) {
		s.dies(false)
		row := s.row(s.grant)
		row.RefreshIssued, row.Expiry = row.RefreshIssued.Add(time.Hour), row.Expiry.Add(time.Hour)
		if _, err := s.store.MemoryStore.Swap(s.Context(), row.Version, row); err != nil {
			s.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
	})
}

// In suspend the monotonic clock stops. What has expired by the wall clock has
// expired, and a request that waited through it is not sent.
func TestScenario75_Suspend(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.served(s.grant)
		asleep := *s.grant.live().current.Load()
		asleep.expiredAt.wall = time.Now().Add(-time.Hour).UnixNano() // its monotonic time is minutes away
		asleep.staleAt.wall = asleep.expiredAt.wall
		s.grant.live().current.Store(&asleep)
		time.Sleep(time.Minute)
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})

		before := time.Now().Round(0).Add(-defaultSendBudget)
		_, sent, fail := s.app.postToken(t.Context(), budget{start: before, size: defaultSendBudget}, url.Values{})
		if sent || fail == nil {
			t.Error("a request was sent that should have been before the suspend:", fail)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

// The wall clock was set back: the monotonic one knows better.
func TestScenario76_WallClockSetBack(t *testing.T) {
	t.Parallel()
	play(t, func(_ *testing.T, s *scene) {
		s.served(s.grant)
		back := *s.grant.live().current.Load()
		back.expiredAt.wall += int64(time.Hour)
		back.staleAt.wall += int64(time.Hour)
		s.grant.live().current.Store(&back)
		s.expire()
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
	})
}

// Users who signed in together do not refresh together.
func TestScenario77_ManySignInsAtOnce(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		grants := []*Grant{s.grant}
		for range 59 {
			grants = append(grants, s.signIn())
		}
		last, busiest, seconds := 0, 0, 0
		for range 15*60 - 11 {
			for _, g := range grants {
				if err := second(g.Token(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			posts := s.emu.Log().TokenPOSTs("refresh_token")
			if posts > last {
				seconds++
			}
			busiest, last = max(busiest, posts-last), posts
			time.Sleep(time.Second)
		}
		if last != len(grants) || busiest > 10 || seconds < 20 {
			t.Errorf("%d refreshes in %d different seconds, %d in the busiest", last, seconds, busiest)
		}
		s.ends(ending{posts: 60, generation: 2})
	})
}

func TestScenario79_ManyRestarts(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		for range 10 {
			app := s.process(s.store)
			g := app.Grant(s.grant.ID())
			s.served(g)
			if status, _ := s.do(s.client(g, s.emu.Transport()), http.MethodGet, nil); status != http.StatusNotFound {
				t.Error("the API has no such path:", status)
			}
			if err := app.Close(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		s.ends(ending{generation: 1})
	})
}
