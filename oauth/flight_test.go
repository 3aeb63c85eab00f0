package oauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnePostForAThousandCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		var wg sync.WaitGroup
		var wrong atomic.Int32
		for range 1000 {
			wg.Go(func() {
				tok, err := a.Grant(id).Token(t.Context())
				if err != nil || tok.AccessToken != "at-2" || tok.RefreshToken != "" {
					wrong.Add(1)
				}
			})
		}
		wg.Wait()
		if got := p.sent(); wrong.Load() != 0 || !slices.Equal(got, []string{"rt-1"}) {
			t.Errorf("%d callers went wrong; token POSTs %q, want one of rt-1", wrong.Load(), got)
		}
	})
}

func TestFreshTokenCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		for range 10 {
			if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
				t.Fatal(tok, err)
			}
			time.Sleep(time.Minute)
		}
		if got := p.sent(); len(got) != 0 {
			t.Errorf("token POSTs %q, want none", got)
		}
	})
}

func TestStaleTokenIsServedWhileOneRefreshRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		g := a.Grant(id)
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15*time.Minute - 20*time.Second) // stale for every jitter, not expired
		for range 100 {
			if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
				t.Fatal(tok, err)
			}
		}
		synctest.Wait()
		time.Sleep(p.latency)
		synctest.Wait()
		if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error("after the background refresh:", tok, err)
		}
		if got := p.sent(); len(got) != 1 {
			t.Errorf("token POSTs %q, want one", got)
		}
	})
}

// A waiter leaves at its own deadline; the refresh goes on and is committed.
func TestWaitersKeepTheirDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.latency = 5 * time.Second
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := a.Grant(id).Token(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("the first caller got %v after %v, want its deadline after 1s", err, time.Since(began))
		}
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error("the second caller:", tok, err)
		}
		if got := p.sent(); len(got) != 1 {
			t.Errorf("token POSTs %q, want one", got)
		}
	})
}

// Two Apps over one store stand for two processes.
func TestTwoProcessesOnePostEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		p.life = 60
		a, id := signedIn(t, p, store, time.Minute)
		b := newTestApp(t, p, store)
		for round := range 5 {
			time.Sleep(2 * time.Minute)
			var wg sync.WaitGroup
			var failed atomic.Int32
			for i := range 200 {
				wg.Go(func() {
					if _, err := []*App{a, b}[i%2].Grant(id).Token(t.Context()); err != nil {
						failed.Add(1)
					}
				})
			}
			wg.Wait()
			if got := p.sent(); failed.Load() != 0 || len(got) != round+1 {
				t.Fatalf("round %d: %d callers failed, token POSTs %q", round, failed.Load(), got)
			}
		}
		if row, held := rowOf(t, a, id); row.Generation != 6 || held.Refresh != p.current || row.Intent != nil {
			t.Errorf("row at generation %d, intent %v; want 6, none", row.Generation, row.Intent)
		}
	})
}

// Nobody sees a token before the store has it.
func TestCommitBeforeUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) { // the intent passes, then the store is down for a while
			if n == 1 || n > 5 {
				return true, nil
			}
			return false, ErrNotWritten
		})
		done := make(chan string, 1)
		go func() {
			tok, err := a.Grant(id).Token(t.Context())
			if err != nil {
				done <- err.Error()
				return
			}
			done <- tok.AccessToken
		}()
		time.Sleep(p.latency + time.Millisecond)
		if row, _ := rowOf(t, a, id); row.Generation != 1 || len(done) != 0 {
			t.Errorf("generation %d and %d answers before the commit", row.Generation, len(done))
		}
		if got := <-done; got != "at-2" {
			t.Errorf("the caller got %q", got)
		}
		if row, held := rowOf(t, a, id); row.Generation != 2 || held.Refresh != "rt-2" || len(p.sent()) != 1 {
			t.Errorf("generation %d, token POSTs %q", row.Generation, p.sent())
		}
	})
}

// A store that cannot write means that nothing is sent; the old token serves.
func TestNoRefreshWithoutAStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, 15*time.Minute)
		store.set(func(int, Row) (bool, error) { return false, nil })
		g := a.Grant(id)
		if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrStoreUnavailable) || !errors.Is(err, ErrNotWritten) {
			t.Error("Refresh:", err)
		}
		if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
			t.Error("Token:", tok, err)
		}
		time.Sleep(16 * time.Minute)
		if _, err := g.Token(t.Context()); !errors.Is(err, ErrStoreUnavailable) {
			t.Error("Token after expiry:", err)
		}
		if got := p.sent(); len(got) != 0 {
			t.Errorf("token POSTs %q, want none", got)
		}
		store.set(nil)
		time.Sleep(time.Second) // the failure stands for a moment
		if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error("Token once the store is back:", tok, err)
		}
	})
}

// A write whose outcome is unknown is read again, applied or not.
func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		write int // which swap loses its acknowledgement: 1 the intent, 2 the commit
		apply bool
	}{
		{"intent applied", 1, true},
		{"intent not applied", 1, false},
		{"commit applied", 2, true},
		{"commit not applied", 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
				a, id := signedIn(t, p, store, time.Minute)
				time.Sleep(2 * time.Minute)
				intents := map[string]bool{}
				store.set(func(n int, row Row) (bool, error) {
					if row.Intent != nil {
						intents[row.Intent.ID] = true
					}
					if n == c.write {
						return c.apply, ErrUnknown
					}
					return true, nil
				})
				if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
					t.Error(tok, err)
				}
				row, held := rowOf(t, a, id)
				if row.Generation != 2 || row.Intent != nil || held.Refresh != "rt-2" || len(p.sent()) != 1 || len(intents) != 1 {
					t.Errorf("generation %d, %d intents, token POSTs %q; want 2, one, one", row.Generation, len(intents), p.sent())
				}
			})
		})
	}
}

func TestUnansweredRefresh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lost   behaviour
		posts  []string
		state  State
		reason Reason
	}{
		{"the request never arrived", behaviour{dropRequest: true}, []string{"rt-1", "rt-1"}, StateActive, ""},
		{"the answer was lost", behaviour{err: errCut}, []string{"rt-1", "rt-1"}, StateNeedsReauth, ReasonLostInFlight},
		{"502 from between", behaviour{answer: func(string) *http.Response { return reply(502, "text/html", "<h1>Bad gateway</h1>") }},
			[]string{"rt-1", "rt-1"}, StateNeedsReauth, ReasonLostInFlight},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakeProvider()
				p.script = []behaviour{c.lost}
				a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
				g := a.Grant(id)
				if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrInDoubt) {
					t.Fatal("the first caller got", err)
				}
				if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
					t.Error("the old token must serve on:", tok, err)
				}
				began := time.Now()
				if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrInDoubt) || time.Since(began) > 0 {
					t.Error("a second caller must hear of the doubt at once, got", err, "after", time.Since(began))
				}
				time.Sleep(10 * time.Minute)
				if got := p.sent(); len(got) != 1 {
					t.Errorf("token POSTs before the access token expired: %q", got)
				}
				time.Sleep(6 * time.Minute)
				_, err := g.Token(t.Context())
				if lost := errors.Is(err, ErrNeedsReauth); lost != (c.state == StateNeedsReauth) {
					t.Error("after the probe:", err)
				}
				if row, _ := rowOf(t, a, id); row.State != c.state || row.Reason != c.reason || !slices.Equal(p.sent(), c.posts) {
					t.Errorf("row %s (%s), token POSTs %q; want %s (%s), %q", row.State, row.Reason, p.sent(), c.state, c.reason, c.posts)
				}
			})
		})
	}
}

func TestForcedRefreshesAreSpaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		time.Sleep(time.Minute)
		began := time.Now()
		for want := range 3 {
			tok, err := a.Grant(id).Refresh(t.Context())
			if err != nil || tok.AccessToken != "at-"+strconv.Itoa(want+2) {
				t.Fatal(tok, err)
			}
		}
		if took := time.Since(began); took < 40*time.Second || took > 41*time.Second {
			t.Errorf("three refreshes took %v, want two intervals of 20s", took)
		}
	})
}

// An answer of any length of delay is committed: it is the only copy.
func TestLateAnswerIsCommitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.latency = 50 * time.Second
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error(tok, err)
		}
		if row, held := rowOf(t, a, id); row.Generation != 2 || held.Refresh != "rt-2" {
			t.Error("generation", row.Generation)
		}
	})
}

// A machine that slept between announcing and sending sends nothing.
func TestNothingIsSentPastTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) {
			if n == 1 {
				time.Sleep(9 * time.Second) // the intent takes long; a minute's token has a budget of 5s
			}
			return true, nil
		})
		if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, errBudget) {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.Intent != nil || len(p.sent()) != 0 {
			t.Errorf("intent %v, token POSTs %q; want none", row.Intent, p.sent())
		}
		time.Sleep(time.Second) // the failure stands for a moment
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error("the next caller:", tok, err)
		}
	})
}

func TestCloseWaitsForTheCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.latency = 5 * time.Second
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		go a.Grant(id).Token(t.Context()) //nolint:errcheck // looked at in the row
		time.Sleep(time.Second)
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if row, held := rowOf(t, a, id); row.Generation != 2 || held.Refresh != "rt-2" {
			t.Error("generation", row.Generation)
		}
		time.Sleep(20 * time.Minute)
		if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, ErrClosed) {
			t.Error("after Close:", err)
		}
	})
}

// endless is a body of which nothing comes.
type endless struct{ ctx context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.ctx.Done()
	return 0, e.ctx.Err()
}

// An answer that does not come, or does not end, ends no caller's context.
func TestNoAnswerIsNoCancellation(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := NewMemoryStore()
			_, id := signedIn(t, newFakeProvider(), store, time.Minute)
			a := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return nil, err
				}
				body := endless{r.Context()}
				if !begun {
					_, err := body.Read(nil)
					return nil, err
				}
				resp := reply(http.StatusOK, "application/json", "")
				resp.Body = io.NopCloser(body)
				return resp, nil
			}), store)
			time.Sleep(2 * time.Minute)
			_, err := a.Grant(id).Token(t.Context())
			if !errors.Is(err, ErrInDoubt) || !errors.Is(err, errNoAnswer) || errors.Is(err, context.Canceled) {
				t.Errorf("begun %v: %v", begun, err)
			}
		})
	}
}

func TestEventsFollowCommits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		var mu sync.Mutex
		var events []TokenEvent
		a, id := signedIn(t, p, store, 15*time.Minute)
		a.config.OnTokenChange = func(_ context.Context, e TokenEvent) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}
		if err := a.setSubject(t.Context(), id, "156"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := a.Grant(id).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := a.Grant(id).Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		var kinds []EventKind
		for _, e := range events {
			kinds = append(kinds, e.Kind)
			if e.GrantID != id || e.Subject != "156" {
				t.Errorf("%+v", e)
			}
		}
		if !slices.Equal(kinds, []EventKind{EventSignedIn, EventRefreshed, EventRevoked}) || events[1].Generation != 2 {
			t.Errorf("%+v", events)
		}
	})
}
