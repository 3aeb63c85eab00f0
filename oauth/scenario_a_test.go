package oauth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Group A: concurrency in one process.

func TestScenario01_ManyCallersFindItExpired(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		var tokens sync.Map
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				tok, err := s.grant.Token(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				tokens.Store(tok.AccessToken, true)
			})
		}
		wg.Wait()
		n := 0
		tokens.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("the callers got %d tokens, want one", n)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

func TestScenario02_HandlePerRequest(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { s.served(s.app.Grant(s.grant.ID())) })
		}
		wg.Wait()
		s.ends(ending{posts: 1, generation: 2})
		s.lives()

		x := s.xoauth2() // conf.Client(ctx, load()) per request: each begins with the stored token
		first, second := x.source(), x.source()
		if _, err := first.Token(); err != nil {
			t.Fatal(err)
		}
		x.lost(second)
	})
}

func TestScenario03_LeaderIsCancelled(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		slow := emulator.Fault{After: true, Delay: 4 * time.Second}
		s.fault(slow)
		s.expire()
		ctx, cancel := context.WithCancel(t.Context())
		leader := make(chan error, 1)
		go func() { leader <- second(s.grant.Token(ctx)) }()
		time.Sleep(time.Second) // rotated, not answered
		cancel()
		if err := <-leader; !errors.Is(err, context.Canceled) {
			t.Error("the leader:", err)
		}
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
		s.lives()

		x := s.xoauth2()
		x.fault(slow)
		x.ctx, cancel = context.WithCancel(x.ctx)
		defer cancel()
		src := x.source()
		go func() { leader <- second(src.Token()) }()
		time.Sleep(time.Second)
		cancel()
		if err := <-leader; err == nil {
			t.Error("x/oauth2 outlived its context")
		}
		x.ctx = context.WithoutCancel(x.ctx)
		x.lost()
	})
}

func TestScenario04_ShorterDeadline(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{Delay: 4 * time.Second})
		s.expire()
		go s.grant.Token(t.Context()) //nolint:errcheck // the waiters behind it are looked at
		synctest.Wait()
		for range 20 {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			err := second(s.grant.Token(ctx))
			cancel()
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 100*time.Millisecond {
				t.Errorf("%v after %v", err, took)
			}
		}
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
	})

	// A waiter of x/oauth2 stands before a mutex until the leader is done. (No
	// bubble: there a mutex stops the clock.)
	sent, release := make(chan struct{}), make(chan struct{})
	begun := sync.OnceFunc(func() { close(sent) })
	held := roundTrip(func(*http.Request) (*http.Response, error) {
		begun()
		<-release
		return nil, errCut
	})
	config := oauth2.Config{Endpoint: oauth2.Endpoint{TokenURL: "http://localhost/token", AuthStyle: oauth2.AuthStyleInParams}}
	client := config.Client(context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: held}), &oauth2.Token{RefreshToken: "r"})
	get := func(ctx context.Context) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", nil)
		if err != nil {
			t.Error(err)
		}
		if resp, err := client.Do(r); err == nil {
			resp.Body.Close()
			t.Error("there was a token")
		}
	}
	var callers sync.WaitGroup
	defer callers.Wait()
	callers.Go(func() { get(t.Context()) })
	<-sent
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	left := make(chan struct{})
	callers.Go(func() { get(ctx); close(left) })
	select {
	case <-left:
		t.Error("x/oauth2's waiter kept its deadline")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
}

func TestScenario05_AllWaitersGone(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{Delay: 4 * time.Second})
		s.expire()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := second(s.grant.Token(ctx)); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		time.Sleep(4 * time.Second)
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

// hangingStore answers nothing until the caller's context ends.
type hangingStore struct{ *MemoryStore }

func (hangingStore) Load(ctx context.Context, _ GrantID) (Row, error) {
	<-ctx.Done()
	return Row{}, ctx.Err()
}

func TestScenario06_ProviderOrStoreHangs(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		began := time.Now()
		hung := s.process(hangingStore{s.store.MemoryStore}).Grant(s.grant.ID())
		if err := second(hung.Token(t.Context())); !errors.Is(err, ErrStoreUnavailable) || time.Since(began) != storeLimit {
			t.Errorf("the store hangs: %v after %v", err, time.Since(began))
		}
		s.ends(ending{generation: 1})

		began = time.Now()
		s.fault(emulator.Fault{After: true, Delay: time.Hour})
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrInDoubt) || time.Since(began) != answerLimit {
			t.Errorf("the provider hangs: %v after %v", err, time.Since(began))
		}
		if s.grant.live().flight != nil {
			t.Error("the flight is not over")
		}
		s.ends(ending{posts: 1, generation: 1})
	})
}

// panickyStore panics in the nth Swap.
type panickyStore struct {
	*MemoryStore
	in atomic.Int32
}

func (p *panickyStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	if p.in.Add(-1) == 0 {
		panic("the store has a bug")
	}
	return p.MemoryStore.Swap(ctx, old, row)
}

func TestScenario08_PanicInStoreOrHook(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		store := &panickyStore{MemoryStore: s.store.MemoryStore}
		app := s.process(store)
		app.config.OnTokenChange = func(context.Context, TokenEvent) { panic("the hook has a bug") }
		g := app.Grant(s.grant.ID())
		s.expire()
		for round := range 2 { // at the intent, then at the commit
			store.in.Store(int32(round + 1))
			s.served(g)
			synctest.Wait()
			s.ends(ending{posts: round + 1, generation: uint64(round + 2)})
			s.expire()
		}
		s.lives()
	})
}

func TestScenario09_CallerChangesTheToken(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		tok, err := s.grant.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		*tok = oauth2.Token{AccessToken: "changed", Expiry: time.Now().Add(-time.Hour)}
		s.served(s.grant)
		s.ends(ending{generation: 1})

		src := s.xoauth2().source()
		if tok, err = src.Token(); err != nil {
			t.Fatal(err)
		}
		tok.AccessToken = "changed"
		if tok, err = src.Token(); err != nil || tok.AccessToken != "changed" {
			t.Error("x/oauth2 gives copies:", err)
		}
	})
}

func TestScenario10_UsersDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		other := s.signIn()
		s.fault(emulator.Fault{Delay: 4 * time.Second})
		s.expire()
		go s.grant.Token(t.Context()) //nolint:errcheck // looked at in the row
		synctest.Wait()
		began := time.Now()
		s.served(other)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the other user waited %v", took)
		}
		time.Sleep(5 * time.Second)
		s.ends(ending{posts: 2, generation: 2})
		if got := s.row(other).Generation; got != 2 {
			t.Errorf("the other user is at generation %d", got)
		}
	})
}
