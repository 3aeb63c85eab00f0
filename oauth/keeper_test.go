package oauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const day = 24 * time.Hour

// keep runs a keeper until the returned function ends it.
func keep(t *testing.T, a *App, opts KeepOptions) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Keep(ctx, opts) }()
	return func() error { cancel(); return <-ended }
}

// A grant that nobody uses lives for as long as a keeper runs, and without one
// until its refresh token expires.
func TestScenario78_IdleGrant(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		if err := s.app.setSubject(t.Context(), s.grant.ID(), "156"); err != nil {
			t.Fatal(err)
		}
		stop := keep(t, s.app, KeepOptions{})
		time.Sleep(59 * day)
		s.ends(ending{posts: 0, generation: 1})
		time.Sleep(2 * day)
		s.ends(ending{posts: 1, generation: 2})
		for range 300 {
			time.Sleep(day)
		}
		s.ends(ending{posts: 6, generation: 7})
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.served(s.grant)
		s.lives()

		time.Sleep(91 * day) // and nobody keeps it
		if _, err := s.app.Grant(s.grant.ID()).Token(t.Context()); !errors.Is(err, ErrNeedsReauth) {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		x := (&scene{T: t}).xoauth2()
		time.Sleep(91 * day)
		if _, err := x.source().Token(); err == nil {
			t.Error("x/oauth2 keeps idle grants")
		}
	})
}

// Two processes keep many grants: each is renewed once, at the rate asked for,
// so many at once, and nobody who is in use loses a place in the cache.
func TestKeepersShareTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const idle = 500
		p, store := newManyFamilies(), NewMemoryStore()
		p.latency = 2 * time.Second
		apps := []*App{newTestApp(t, p, store), newTestApp(t, p, store)}
		manyGrants(t, apps[0], idle)
		for _, a := range apps {
			a.grants = newGrantCache(a, defaultCacheBytes)
		}
		time.Sleep(61 * day)
		hot := longGrants(t, apps[0], 20)
		for _, g := range hot {
			if _, err := g.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		renewed := make([]int, 2)
		var stops []func() error
		for i, a := range apps {
			stops = append(stops, keep(t, a, KeepOptions{Rate: 5, AtOnce: 4, OnProgress: func(p KeepProgress) {
				renewed[i] = p.Renewed
				if p.Lost+p.Failed > 0 {
					t.Errorf("%+v", p)
				}
			}}))
		}
		time.Sleep(time.Hour)
		for _, stop := range stops {
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		n, twice := p.sent(start)
		if n != idle || twice || p.most > 2*4 || renewed[0]+renewed[1] != idle || min(renewed[0], renewed[1]) < idle/4 {
			t.Errorf("%d POSTs, a token twice: %t, %d at once, renewed %v", n, twice, p.most, renewed)
		}
		if last := p.at[len(p.at)-1]; last.Sub(start) < idle/(2*4/2)*time.Second-5*time.Second { // four slots of two seconds each
			t.Errorf("it took %v", last.Sub(start))
		}
		if n, _ := cached(apps[0].grants); n != len(hot) {
			t.Errorf("%d grants are in the cache", n)
		}
	})
}

func TestKeeperHeedsItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newManyFamilies()
		a := newTestApp(t, p, NewMemoryStore())
		manyGrants(t, a, 100)
		time.Sleep(61 * day)
		start := time.Now()
		stop := keep(t, a, KeepOptions{Rate: 0.5})
		time.Sleep(100 * time.Second)
		if n, _ := p.sent(start); n < 48 || n > 51 {
			t.Errorf("%d POSTs in 100 seconds", n)
		}
		_ = stop()
		time.Sleep(time.Hour)
		if n, twice := p.sent(start); n > 52 || twice {
			t.Errorf("%d POSTs after it was stopped", n)
		}
		stop = keep(t, a, KeepOptions{}) // and taken up again
		time.Sleep(2 * time.Hour)
		_ = stop()
		if n, twice := p.sent(start); n != 100 || twice {
			t.Errorf("%d POSTs, a token twice: %t", n, twice)
		}
	})
}

// Grants in use are never due.
func TestKeeperLeavesGrantsInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newManyFamilies()
		a := newTestApp(t, p, NewMemoryStore())
		g := manyGrants(t, a, 1)[0]
		stop := keep(t, a, KeepOptions{MaxIdle: 10 * day})
		uses := 0
		for range 100 {
			time.Sleep(5 * day)
			if _, err := g.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			uses++
		}
		_ = stop()
		if n, _ := p.sent(time.Time{}); n != uses {
			t.Errorf("%d POSTs for %d uses", n, uses)
		}
	})
}

// troubles of a keeper's world, and how it is after them.
func TestKeeperOutlastsTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		begin func(*manyFamilies, *slowStore)
		most  int // POSTs in the half hour of trouble
	}{
		{"the store fails", func(_ *manyFamilies, s *slowStore) { s.down.Store(true) }, 0},
		{"the store hangs", func(_ *manyFamilies, s *slowStore) { s.takes.Store(int64(time.Hour)) }, 0},
		{"the provider asks to wait", func(p *manyFamilies, _ *slowStore) {
			p.fail = func() *http.Response {
				resp := reply(429, "application/json", `{}`)
				resp.Header.Set("Retry-After", "240")
				return resp
			}
		}, 8 * 8},
		{"the provider fails", func(p *manyFamilies, _ *slowStore) {
			p.fail = func() *http.Response { return reply(503, "text/html", "") }
		}, 30 * 2 * 8},
		{"the client is not known", func(p *manyFamilies, _ *slowStore) {
			p.fail = func() *http.Response { return reply(401, "application/json", `{"error":"invalid_client"}`) }
		}, 30 * 8},
		{"everybody is refused", func(p *manyFamilies, _ *slowStore) {
			p.fail = func() *http.Response { return reply(400, "application/json", `{"error":"invalid_grant"}`) }
		}, 31 * 8},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, store := newManyFamilies(), &slowStore{MemoryStore: NewMemoryStore()}
				a := newTestApp(t, p, store)
				const idle = 3000
				grants := manyGrants(t, a, idle)
				time.Sleep(61 * day)
				c.begin(p, store)
				start := time.Now()
				stop := keep(t, a, KeepOptions{Rate: 10})
				time.Sleep(30 * time.Minute)
				if n, _ := p.sent(start); n > c.most {
					t.Errorf("%d POSTs during the trouble", n)
				}
				p.mu.Lock()
				p.fail = nil
				clear(p.posts) // what was not answered was not taken
				p.mu.Unlock()
				store.down.Store(false)
				store.takes.Store(0)
				time.Sleep(12 * time.Hour)
				if err := stop(); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				renewed := 0
				for _, g := range grants {
					info, err := g.Info(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if info.State == StateActive && info.Generation > 1 {
						renewed++
					}
				}
				if lost := idle - renewed; lost > 10 { // so many refusals are believed before they are too many
					t.Errorf("%d grants of %d were not renewed: %v", lost, idle, states(t, grants))
				}
			})
		})
	}
}

// Users of idle grants may have withdrawn them all: whoever is in use does not
// suffer for it.
func TestKeeperOpensNobodysCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newManyFamilies()
		a := newTestApp(t, p, NewMemoryStore())
		grants := manyGrants(t, a, 50)
		for i := range grants[1:] {
			p.posts[fmt.Sprintf("rt-of-%d", i+1)] = 1
		}
		time.Sleep(61 * day)
		stop := keep(t, a, KeepOptions{Rate: 10})
		time.Sleep(30 * time.Second)
		if _, err := grants[0].Token(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Hour) // then the refusals are believed
		_ = stop()
		if got := states(t, grants); got[StateActive] != 1 {
			t.Error(got)
		}
	})
}

func TestKeeperEndsWithTheApp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newManyFamilies()
		p.latency = time.Minute
		a := newTestApp(t, p, NewMemoryStore())
		manyGrants(t, a, 10)
		time.Sleep(61 * day)
		ended := make(chan error)
		go func() { ended <- a.Keep(t.Context(), KeepOptions{}) }()
		time.Sleep(10 * time.Second)
		if err := a.Close(t.Context()); err != nil { // waits for what is under way
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if err := a.Keep(t.Context(), KeepOptions{}); !errors.Is(err, ErrClosed) {
			t.Error("after Close:", err)
		}
		left := 0
		for _, row := range a.store.(*MemoryStore).rows {
			if row.Intent != nil {
				left++
			}
		}
		if left != 0 {
			t.Errorf("%d refreshes were cut off", left)
		}
	})
}

func TestKeepOptions(t *testing.T) {
	t.Parallel()
	a := newTestApp(t, newFakeProvider(), NewMemoryStore())
	for field, opts := range map[string]KeepOptions{
		"MaxIdle":  {MaxIdle: 86 * day},
		"MaxIdle:": {MaxIdle: -1},
		"Rate":     {Rate: -1},
		"AtOnce":   {AtOnce: -1},
	} {
		if err := a.Keep(t.Context(), opts); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
}

// A sign-in that died between storing its grant and naming the user left a
// grant that nobody knows of: it is not kept alive, but ended.
func TestKeeperEndsUnfinishedSignIns(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		var last KeepProgress
		stop := keep(t, s.app, KeepOptions{OnProgress: func(p KeepProgress) { last = p }})
		time.Sleep(59 * day)
		s.ends(ending{posts: 0, generation: 1})
		time.Sleep(2 * day)
		s.ends(ending{posts: 0, generation: 1, state: StateTombstone, reason: ReasonConfirmed})
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if last.Ended != 1 || last.Renewed != 0 || last.Failed != 0 {
			t.Errorf("%+v", last)
		}
	})
}

// Without openid nobody is named, and with it what the provider grants beyond
// what was asked for says nothing.
func TestKeeperKeepsNamelessGrants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		a.config.Scopes = []string{"profile"}
		time.Sleep(61 * day)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = a.Keep(ctx, KeepOptions{}) // until ctx ends
		if row, _ := rowOf(t, a, id); row.State != StateActive || row.Generation != 2 || len(p.revocations()) != 0 {
			t.Errorf("%s at generation %d, revoked %q", row.State, row.Generation, p.revocations())
		}
	})
}

// A tombstone that a failover forgot is no reason to renew the grant.
func TestKeeperKnowsWhatWasRevoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/revoke") {
				return nil, errCut // so that the provider goes on to honour the token
			}
			return p.RoundTrip(r)
		}), store)
		id := manyGrants(t, a, 1)[0].ID()
		time.Sleep(61 * day)
		before := store.rows[id].clone()
		if err := a.Grant(id).Revoke(t.Context()); err == nil {
			t.Fatal("the provider was down")
		}
		store.rows[id] = before // without another run
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		_ = a.Keep(ctx, KeepOptions{}) // until ctx ends
		if row, _ := rowOf(t, a, id); row.State != StateTombstone || len(p.sent()) != 0 {
			t.Errorf("%s at generation %d, sent %q", row.State, row.Generation, p.sent())
		}
	})
}

// claimedStore counts the rows that were claimed.
type claimedStore struct {
	*MemoryStore
	claimed int
}

func (s *claimedStore) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]Row, error) {
	rows, err := s.MemoryStore.ClaimDue(ctx, n, ttl)
	s.claimed += len(rows)
	return rows, err
}

// A keeper that is to end before its rate allows the next renewal claims no
// more: other keepers could not renew what it claims.
func TestKeeperClaimsNothingInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newManyFamilies(), &claimedStore{MemoryStore: NewMemoryStore()}
		a := newTestApp(t, p, store)
		manyGrants(t, a, 1000)
		time.Sleep(61 * day)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 60250*time.Millisecond)
		defer cancel()
		if err := a.Keep(ctx, KeepOptions{AtOnce: 4}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if n, _ := p.sent(start); n != 121 || store.claimed != 128 {
			t.Errorf("%d POSTs, %d grants claimed", n, store.claimed)
		}
	})
}

// What the keeper has not met yet stands in no line of its log.
func TestKeeperLogsNoTimesThatAreNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := newTestApp(t, newFakeProvider(), NewMemoryStore())
		a.log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = a.Keep(ctx, KeepOptions{}) // until ctx ends
		if line := log.String(); !strings.Contains(line, "keeping idle grants") || !strings.Contains(line, "next=2000-") || strings.Contains(line, "oldest=") {
			t.Error(line)
		}
	})
}
