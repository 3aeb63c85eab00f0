package oauth

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
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

// An answer cut off before its refresh token: the old one may be consumed, so
// it is presented as a probe, and its loss is our doing, not the user's.
func TestAnswerCutBeforeTheRefreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.script = []behaviour{{answer: func(string) *http.Response {
			return reply(200, "application/json", `{"access_token":"at-cut","expires_in":60,"token_type":"Bearer","refr`)
		}}}
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		g := a.Grant(id)
		time.Sleep(2 * time.Minute)
		if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-cut" {
			t.Error(tok, err)
		}
		time.Sleep(2 * time.Minute)
		reauth, ok := errors.AsType[*ReauthError](second(g.Token(t.Context())))
		if !ok || reauth.Reason != ReasonLostInFlight {
			t.Errorf("%v, want %s", reauth, ReasonLostInFlight)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// A commit held up until its own access token is over, or beaten by a row whose
// token is: nobody is served an expired token.
func TestNoExpiredTokenAfterALateCommit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		beaten bool
	}{{"held up", false}, {"beaten", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
				p.life = 60
				a, id := signedIn(t, p, store, time.Minute)
				time.Sleep(2 * time.Minute)
				down := time.Now().Add(5 * time.Minute)
				store.set(func(n int, _ Row) (bool, error) {
					if n == 1 || time.Now().After(down) {
						return true, nil
					}
					return false, ErrNotWritten
				})
				time.AfterFunc(5*time.Minute-time.Millisecond, func() {
					if !c.beaten {
						return
					}
					row, _ := rowOf(t, a, id)
					row.Generation, row.Intent = 2, nil
					row.RefreshIssued, row.Expiry = time.Now().Add(-time.Minute), time.Now()
					row.Sealed, _ = a.sealTokens(id, 2, tokens{Access: "at-over", Refresh: p.current})
					if _, err := store.MemoryStore.Swap(t.Context(), row.Version, row); err != nil {
						t.Error(err)
					}
				})
				if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-3" || !tok.Expiry.After(time.Now()) {
					t.Error(tok, err)
				}
			})
		})
	}
}

// A refusal is recorded however long the store is down: a later probe would
// take it for our own loss.
func TestRefusalOutlastsTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		p.familyOK = false
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		down := time.Now().Add(5 * time.Minute)
		store.set(func(n int, _ Row) (bool, error) {
			if n == 1 || time.Now().After(down) {
				return true, nil
			}
			return false, ErrNotWritten
		})
		for range 2 {
			reauth, ok := errors.AsType[*ReauthError](second(a.Grant(id).Token(t.Context())))
			if !ok || reauth.Reason != ReasonRevoked {
				t.Error(reauth)
			}
		}
		if got := p.sent(); len(got) != 1 {
			t.Errorf("token POSTs %q, want one", got)
		}
	})
}

// While a grant is in doubt its token serves; calls must not read the store
// each time.
func TestDoubtInTheBackgroundReadsSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		p.script = []behaviour{{dropRequest: true}}
		a, id := signedIn(t, p, store, 15*time.Minute)
		g := a.Grant(id)
		time.Sleep(time.Minute)
		if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrInDoubt) {
			t.Fatal(err)
		}
		time.Sleep(14*time.Minute - 30*time.Second) // stale
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := store.reads()
		for range 100 {
			if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
				t.Fatal(tok, err)
			}
			synctest.Wait()
		}
		if n := store.reads() - before; n > 1 {
			t.Errorf("100 calls read the store %d times", n)
		}
	})
}

// With a short budget the doubt about a token still lasts until it has really
// expired; whoever asks in its last seconds waits.
func TestDoubtIsWaitedOutInTheLastSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.script = []behaviour{{dropRequest: true}}
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		a.config.SendBudget, a.config.DrainMargin = time.Second, time.Second
		g := a.Grant(id)
		time.Sleep(time.Minute)
		if _, err := g.Refresh(t.Context()); !errors.Is(err, ErrInDoubt) {
			t.Fatal(err)
		}
		time.Sleep(14*time.Minute - 8*time.Second)
		if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken != "at-3" {
			t.Error(tok, err)
		}
	})
}

// Another process's refresh is no doubt before its deadline: who forces one
// meanwhile waits for it.
func TestForcedRefreshWaitsForAnotherProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		p.latency = 4 * time.Second
		a, id := signedIn(t, p, store, 15*time.Minute)
		b := newTestApp(t, p, store)
		time.Sleep(time.Minute)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _, _ = a.Grant(id).Refresh(t.Context()) }) // looked at through b
		time.Sleep(time.Second)
		if tok, err := b.Grant(id).Refresh(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error(tok, err)
		}
		if got := p.sent(); len(got) != 1 {
			t.Errorf("token POSTs %q, want one", got)
		}
	})
}

// A row that cannot be read when the answer comes may be mended: the pair waits.
func TestCommitOutlastsACorruptRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		mended := time.Now().Add(time.Minute)
		store.load = func(n int) error {
			if n > 2 && time.Now().Before(mended) {
				return ErrCorruptRow
			}
			return nil
		}
		store.loads = 0
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error(tok, err)
		}
	})
}

// A server error is no verdict, whatever its body says.
func TestServerErrorIsNoVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.script = []behaviour{{answer: func(string) *http.Response {
			return reply(503, "application/json", `{"error":"invalid_grant"}`)
		}}}
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		time.Sleep(time.Minute)
		if _, err := a.Grant(id).Refresh(t.Context()); !errors.Is(err, ErrInDoubt) {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.State != StateActive || row.Intent == nil {
			t.Errorf("%s, intent %v", row.State, row.Intent)
		}
	})
}

// A provider that once answers with a lifetime of a second must not leave a
// send budget that no request can meet.
func TestTinyLifetimeLeavesABudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		_, id := signedIn(t, p, store, time.Second)
		a := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(300 * time.Millisecond) // to connect
			return p.RoundTrip(r)
		}), store)
		time.Sleep(time.Minute)
		if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error(tok, err)
		}
	})
}

// An intent of unknown outcome lands just before it is written again: the
// conflict is with ourselves, and the user's own revocation stays one.
func TestOwnIntentLandsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		p.familyOK = false
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		var first Row
		store.set(func(n int, row Row) (bool, error) {
			switch n {
			case 1:
				first = row
				return false, ErrUnknown
			case 2:
				if _, err := store.MemoryStore.Swap(t.Context(), first.Version, first); err != nil {
					t.Error(err)
				}
			}
			return true, nil
		})
		reauth, ok := errors.AsType[*ReauthError](second(a.Grant(id).Token(t.Context())))
		if !ok || reauth.Reason != ReasonRevoked || len(p.sent()) != 1 {
			t.Errorf("%v, token POSTs %q", reauth, p.sent())
		}
	})
}

// The acknowledgement of a commit is lost, others rotate and sign out: the pair
// is superseded, so revoking it proves nothing about the newest token.
func TestSupersededPairConfirmsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		time.Sleep(2 * time.Minute)
		store.set(func(n int, row Row) (bool, error) {
			if n != 2 {
				return true, nil
			}
			committed, err := store.MemoryStore.Swap(t.Context(), row.Version, row)
			if err != nil {
				t.Error(err)
			}
			committed.Generation, committed.CommittedBy = 3, "another"
			committed.State, committed.Reason = StateTombstone, ReasonPending
			committed.Sealed, _ = a.sealTokens(id, 3, tokens{Access: "at-theirs", Refresh: "rt-theirs"})
			if _, err := store.MemoryStore.Swap(t.Context(), committed.Version, committed); err != nil {
				t.Error(err)
			}
			return false, ErrUnknown
		})
		if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
		if row, _ := rowOf(t, a, id); row.Reason != ReasonPending || len(p.revocations()) != 0 {
			t.Errorf("%s, revoked %q", row.Reason, p.revocations())
		}
	})
}

// The acknowledgement of a commit is lost, and so is the grant, elsewhere and
// for a reason of its own, before the row is read again.
func TestLostAfterAnUnknownCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
		a, id := signedIn(t, p, store, time.Minute)
		var log bytes.Buffer
		a.log = slog.New(slog.NewTextHandler(&log, nil))
		time.Sleep(2 * time.Minute)
		store.set(func(n int, row Row) (bool, error) {
			if n != 2 {
				return true, nil
			}
			row.State, row.Reason = StateNeedsReauth, ReasonRevoked
			if _, err := store.MemoryStore.Swap(t.Context(), row.Version, row); err != nil {
				t.Error(err)
			}
			return false, ErrUnknown
		})
		reauth, ok := errors.AsType[*ReauthError](second(a.Grant(id).Token(t.Context())))
		if !ok || reauth.Reason != ReasonRevoked || strings.Contains(log.String(), "another user") {
			t.Errorf("%v\n%s", reauth, &log)
		}
	})
}
