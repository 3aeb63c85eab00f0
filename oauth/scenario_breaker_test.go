package oauth

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Of groups A and D: what keeps failures from becoming a storm.

func TestScenario07_HerdOfRetries(t *testing.T) {
	t.Parallel()
	t.Run("the provider cannot be reached", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			tries := 0
			s.via = roundTrip(func(*http.Request) (*http.Response, error) {
				tries++
				return nil, errors.New("connection refused")
			})
			s.expire()
			for range 10_000 { // for 100 seconds
				if err := second(s.grant.Token(t.Context())); err == nil || errors.Is(err, ErrNeedsReauth) {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
			if tries < 5 || tries > 25 {
				t.Errorf("%d connections were tried", tries)
			}
			s.ends(ending{generation: 1})
			s.via = s.emu.Transport()
			time.Sleep(circuitLongest)
			s.served(s.grant)
			s.ends(ending{posts: 1, generation: 2})
		})
	})
	t.Run("the grant is gone", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			s.withdrawn()
			s.expire()
			for range 200 {
				if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
					t.Fatal(err)
				}
			}
			s.ends(ending{posts: 1, generation: 1, state: StateNeedsReauth, reason: ReasonRevoked})

			x := s.xoauth2()
			x.stored = "rt-unknown"
			src := x.source()
			for range 200 {
				if err := second(src.Token()); err == nil {
					t.Fatal("there is a token")
				}
			}
			if got := x.emu.Log().TokenPOSTs("refresh_token"); got != 200 {
				t.Errorf("x/oauth2 asked %d times", got)
			}
		})
	})
}

// 429 is taken for "not processed", but only the next answer proves it: the
// refresh waits as long as it was asked to, and keeps its token.
func TestScenario44_RateLimited(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		other := s.signIn()
		s.fault(emulator.Fault{Kind: emulator.Status, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}})
		s.expire()
		fail, ok := errors.AsType[*ProviderError](second(s.grant.Token(t.Context())))
		if !ok || fail.RetryAfter != time.Minute {
			t.Error(fail)
		}
		for _, g := range []*Grant{s.grant, other} { // one client, one limit
			if err := second(g.Token(t.Context())); !errors.Is(err, ErrProviderDown) {
				t.Error(err)
			}
		}
		s.ends(ending{posts: 1, generation: 1})
		time.Sleep(time.Minute)
		s.served(s.grant)
		s.served(other)
		s.ends(ending{posts: 3, generation: 2})
		s.lives()
	})
}

// A wrong client secret is nobody's sign-out.
func TestScenario48_ClientIsUnknown(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"invalid_client", "unauthorized_client"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				other := s.signIn()
				s.fault(emulator.Fault{Kind: emulator.Status, Status: http.StatusUnauthorized, Body: `{"error":"` + code + `"}`, Times: 2})
				s.expire()
				for range 10 {
					for _, g := range []*Grant{s.grant, other} {
						if err := second(g.Token(t.Context())); err == nil || errors.Is(err, ErrNeedsReauth) {
							t.Error(err)
						}
					}
				}
				if got := s.emu.Log().TokenPOSTs("refresh_token"); got != 1 {
					t.Errorf("%d token POSTs for an app that is not known", got)
				}
				time.Sleep(circuitPause)
				_ = second(s.grant.Token(t.Context())) // still wrong
				time.Sleep(2 * circuitPause)           // mended
				s.served(s.grant)
				s.served(other)
				s.ends(ending{posts: 4, generation: 2})
				s.lives()
			})
		})
	}
}
