//go:build unix

package killtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

const (
	outageTTL     = 12 * time.Second // of access tokens
	outageBudget  = 2 * time.Second  // to send in, and as much to drain
	outageGrants  = 20               // each half of which signs in at once
	outageCallers = 10               // of each grant
)

// caller asks for one grant's token without end, and keeps what it was given.
type caller struct {
	grant   *oauth.Grant
	calls   atomic.Int64
	refused atomic.Int64 // for want of a store, after the token's end
	expiry  time.Time    // of the last token
}

// lives reports whether the caller's token is one to give out.
func (c *caller) lives() bool {
	const early = outageTTL / 20 // is when a token is no longer given out
	return time.Now().Before(c.expiry.Add(-early))
}

// run also reports calls that failed, or would have waited, while the caller's
// token was alive: those it makes with a context that has ended.
func (c *caller) run(ctx context.Context, t *testing.T) {
	hurried, cancel := context.WithCancel(ctx)
	cancel()
	for ctx.Err() == nil {
		asked := ctx
		if c.lives() {
			asked = hurried
		}
		token, err := c.grant.Token(asked)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.expiry = token.Expiry
		case c.lives():
			t.Errorf("a caller whose token lives for another %v was refused or had to wait: %v", time.Until(c.expiry), err)
		case errors.Is(err, context.Canceled): // its token ended between looking and asking
		case !errors.Is(err, oauth.ErrStoreUnavailable):
			t.Errorf("a caller whose token is over: %v", err)
		default:
			c.refused.Add(1)
		}
		c.calls.Add(1)
		time.Sleep(10 * time.Millisecond)
	}
}

// While the store's server is away, no refresh is sent, and callers whose access
// tokens live do not notice. When it is back all goes on, and nothing is lost.
func TestServerAwayUnderLoad(t *testing.T) { //nolint:paralleltest // six hundred callers are enough for a machine
	for _, kind := range slices.Sorted(maps.Keys(servers())) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL, o.RefreshReuse = outageTTL, emulator.ReuseRevoke })
			server, place := servers()[kind](t)
			var grants []task
			signInHalf := func() {
				for range outageGrants / 2 {
					who, _ := signIn(t, emu, kind, place)
					grants = append(grants, who)
				}
			}
			signInHalf()
			older := time.Now()
			time.Sleep(outageTTL / 2)
			signInHalf()

			apps := replicas(t, kind, place, grants[0], func(c *oauth.Config) {
				c.SendBudget = outageBudget * (2 * time.Minute / outageTTL) // it shrinks with tokens of less than two minutes
				c.DrainMargin = c.SendBudget
			})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var (
				running sync.WaitGroup
				callers []*caller
			)
			for i, who := range grants {
				for range outageCallers {
					c := &caller{grant: apps[i%len(apps)].Grant(who.Grant)}
					callers = append(callers, c)
					if _, err := c.grant.Token(ctx); err != nil {
						t.Fatal(err)
					}
					running.Go(func() { c.run(ctx, t) })
				}
			}
			sum := func() (calls, refused int64) {
				for _, c := range callers {
					calls, refused = calls+c.calls.Load(), refused+c.refused.Load()
				}
				return calls, refused
			}

			server.Kill(t)
			time.Sleep(2 * outageBudget) // what was announced before may be sent within its budget
			sent := emu.Log().TokenPOSTs("refresh_token")
			before, _ := sum()
			calls, refused := sum()
			for patient := time.Now().Add(5 * outageTTL); calls-before < outageGrants || refused == 0; calls, refused = sum() {
				if time.Now().After(patient) {
					t.Fatalf("%d calls and %d refusals while the store was away: this proves nothing", calls-before, refused)
				}
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(time.Second) // the first half goes on wanting a refresh
			calls, refused = sum()
			if got := emu.Log().TokenPOSTs("refresh_token"); got != sent {
				t.Errorf("%d refreshes were sent while the store was away", got-sent)
			}
			server.Restart(t)
			back := time.Now()
			for _, c := range callers[:1] {
				for { // what failed is tried again before long
					if _, err := c.grant.Token(ctx); err == nil {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
			recovered := time.Since(back)
			time.Sleep(outageTTL) // everybody needs another
			stop()
			running.Wait()
			for i, who := range grants {
				if end := refresh(t.Context(), apps[i%len(apps)].Grant(who.Grant)); end != refreshed {
					t.Errorf("a grant ended: %s", end)
				}
			}
			if got := len(emu.Log().Reuses()); got != 0 {
				t.Errorf("%d refresh tokens were presented twice", got)
			}
			fmt.Printf("%s away for %v: %d calls with living tokens, %d refused after their end, 0 refreshes sent; %v after its return the first is refreshed\n",
				kind, time.Since(older).Round(time.Second), calls-before-refused, refused, recovered.Round(time.Millisecond))
		})
	}
}

// replicas are two apps with a store of their own each, as two machines have.
func replicas(t *testing.T, kind, place string, who task, settings ...func(*oauth.Config)) (apps []*oauth.App) {
	t.Helper()
	for range 2 {
		s, err := stores()[kind](place)
		if err != nil {
			t.Fatal(err)
		}
		config, err := who.config(s)
		if err != nil {
			t.Fatal(err)
		}
		config.Flows = s
		for _, set := range settings {
			set(&config)
		}
		app, err := oauth.New(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(app.Close(context.Background()), s.Close()); err != nil {
				t.Error(err)
			}
		})
		apps = append(apps, app)
	}
	return apps
}
