package oauth

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Group D, on: what token answers say, and what is wrong with them.

func TestScenario49_ErrorIn200(t *testing.T) {
	t.Parallel()
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			s.fault(emulator.Fault{Kind: emulator.Status, Status: http.StatusOK, Body: `{"error":"temporarily_unavailable"}`})
			s.expire()
			fail, ok := errors.AsType[*ProviderError](second(s.grant.Token(t.Context())))
			if !ok || fail.Code != "temporarily_unavailable" {
				t.Error(fail)
			}
			s.ends(ending{posts: 1, generation: 1})
			s.served(s.grant)
			s.ends(ending{posts: 2, generation: 2})
		})
	})
	t.Run("beside the tokens", func(t *testing.T) {
		t.Parallel()
		play(t, func(_ *testing.T, s *scene) {
			s.fault(emulator.Fault{Kind: emulator.ErrorMember})
			s.expire()
			s.served(s.grant)
			s.ends(ending{posts: 1, generation: 2})
			s.lives()
		})
	})
}

// Whatever is wrong with a 2xx, its refresh token is the live one.
func TestScenario50_FlawedAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     emulator.Kind
		theyLose bool
	}{
		{emulator.PlainText, true},
		{emulator.Trailing, true},
		{emulator.ByteOrder, true},
		{emulator.Oversize, false}, // white space: both read what comes before it
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				s.fault(emulator.Fault{Kind: c.kind})
				s.expire()
				s.served(s.grant)
				s.ends(ending{posts: 1, generation: 2})
				s.lives()
				if c.theyLose {
					s.theyLose(c.kind)
				}
			})
		})
	}
	// Broken off in the middle, the refresh token is gone: the next refresh is
	// a probe, and its refusal our loss, not the user's wish.
	for _, kind := range []emulator.Kind{emulator.Truncate, emulator.Cut} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				s.fault(emulator.Fault{Kind: kind})
				s.expire()
				s.served(s.grant)
				s.ends(ending{posts: 1, generation: 2})
				s.expire()
				if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
					t.Error(err)
				}
				s.ends(ending{posts: 2, reuses: 1, generation: 2, state: StateNeedsReauth, reason: ReasonLostInFlight})
				s.theyLose(kind)
			})
		})
	}
}

// theyLose runs x/oauth2 into the same answer: it throws the rotation away.
func (s *scene) theyLose(kind emulator.Kind) {
	s.Helper()
	x := s.xoauth2()
	x.fault(emulator.Fault{Kind: kind})
	src := x.source()
	if tok, err := src.Token(); err == nil {
		s.Errorf("x/oauth2 understood the answer: it expires %v", tok.Expiry)
	}
	x.lost(src)
}

func TestScenario51_NoAccessToken(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{Kind: emulator.NoAccessToken})
		s.expire()
		fail, ok := errors.AsType[*ProviderError](second(s.grant.Token(t.Context())))
		if !ok || errors.Is(fail, ErrNeedsReauth) {
			t.Error(fail)
		}
		s.ends(ending{posts: 1, generation: 2})
		time.Sleep(time.Second) // the failure stands for a moment
		s.served(s.grant)
		s.ends(ending{posts: 2, generation: 3})
		s.lives()
		s.theyLose(emulator.NoAccessToken)
	})
}

func TestScenario52_OddLifetimes(t *testing.T) {
	t.Parallel()
	const never = 365 * 24 * time.Hour // or so long that it is as bad
	for _, c := range []struct {
		kind   emulator.Kind
		want   time.Duration
		theirs time.Duration // 0: x/oauth2 loses the authorization; less: it refreshes on every call
	}{
		{emulator.NoExpiresIn, defaultLifetime, never},
		{emulator.ZeroExpiresIn, defaultLifetime, never},
		{emulator.NegativeExpiresIn, 0, -1},
		{emulator.FloatExpiresIn, defaultLifetime, 0},
		{emulator.ExpExpiresIn, 1000 * time.Second, 0},
		{emulator.EmptyExpiresIn, defaultLifetime, 0},
		{emulator.StringExpiresIn, defaultLifetime, defaultLifetime},
		{emulator.HugeExpiresIn, maxLifetime, 0},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				s.fault(emulator.Fault{Kind: c.kind})
				s.expire()
				tok, err := s.grant.Token(t.Context())
				if err != nil || s.call(tok.AccessToken) != http.StatusOK {
					t.Error(err)
				}
				row := s.row(s.grant)
				if got := row.Expiry.Sub(row.RefreshIssued); got != c.want {
					t.Errorf("it lives %v, want %v", got, c.want)
				}
				s.ends(ending{posts: 1, generation: 2})
				s.lives()
				s.theirLifetime(c.kind, c.theirs)
			})
		})
	}
}

// theirLifetime wants x/oauth2 to make of an expires_in what is said of it.
func (s *scene) theirLifetime(kind emulator.Kind, want time.Duration) {
	s.Helper()
	if want == 0 {
		s.theyLose(kind)
		return
	}
	x := s.xoauth2()
	x.fault(emulator.Fault{Kind: kind, Times: 10})
	src := x.source()
	for range 10 {
		tok, err := src.Token()
		if err != nil {
			s.Error(err)
			return
		}
		if want == defaultLifetime && time.Until(tok.Expiry) != want {
			s.Errorf("x/oauth2 holds that it expires %v", tok.Expiry)
		}
	}
	posts := map[bool]int{true: 10, false: 1}[want < 0]
	if got := x.emu.Log().TokenPOSTs("refresh_token"); got != posts {
		s.Errorf("x/oauth2 refreshed %d times in 10 calls, want %d", got, posts)
	}
	if want == defaultLifetime {
		return
	}
	time.Sleep(time.Hour)
	if tok, err := src.Token(); want > 0 && (err != nil || s.callAt(x.emu, tok.AccessToken) != http.StatusUnauthorized) {
		s.Error("x/oauth2 noticed that its token has expired:", err)
	}
}

// A negative lifetime must not mean a refresh with each call.
func TestScenario52_NoRotationStorm(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{Kind: emulator.NegativeExpiresIn, Times: -1})
		s.expire()
		began := time.Now()
		for range 10 {
			if err := second(s.grant.Token(t.Context())); err != nil {
				t.Error(err)
			}
		}
		least := defaultSendBudget + defaultDrainMargin
		if most := int(time.Since(began)/least) + 1; s.emu.Log().TokenPOSTs("refresh_token") > most {
			t.Errorf("%d refreshes in %v", s.emu.Log().TokenPOSTs("refresh_token"), time.Since(began))
		}
	})
}

// RFC 6749 section 6 lets a provider keep the refresh token. Roblox's works
// once, so that the old one may be dead; it is all there is.
func TestScenario53_NoRefreshToken(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{Kind: emulator.NoRefreshToken})
		s.expire()
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
		s.expire()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
			t.Error(err)
		}
		s.ends(ending{posts: 2, reuses: 1, generation: 2, state: StateNeedsReauth, reason: ReasonRevoked})

		x := s.xoauth2()
		x.fault(emulator.Fault{Kind: emulator.NoRefreshToken})
		tok, err := x.source().Token()
		if err != nil || tok.RefreshToken != x.stored {
			t.Error("x/oauth2 noticed:", err)
		}
		x.lost()
	})
}

func TestScenario54_TokenType(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.Kind{emulator.NoTokenType, emulator.NullTokenType} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			play(t, func(_ *testing.T, s *scene) {
				s.fault(emulator.Fault{Kind: kind})
				s.expire()
				s.served(s.grant)
				s.ends(ending{posts: 1, generation: 2})
			})
		})
	}
	t.Run("mac", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			s.fault(emulator.Fault{Kind: emulator.OtherTokenType})
			s.expire()
			if err := second(s.grant.Token(t.Context())); err == nil || errors.Is(err, ErrNeedsReauth) {
				t.Error(err)
			}
			s.ends(ending{posts: 1, generation: 2})
			time.Sleep(time.Second) // the failure stands for a moment
			s.served(s.grant)
			s.ends(ending{posts: 2, generation: 3})
			s.lives()

			x := s.xoauth2()
			x.fault(emulator.Fault{Kind: emulator.OtherTokenType})
			if tok, err := x.source().Token(); err != nil || tok.Type() != "MAC" || !tok.Valid() {
				t.Error("x/oauth2 refuses it:", err)
			}
		})
	})
}

func TestScenario55_Scope(t *testing.T) {
	t.Parallel()
	for kind, want := range map[emulator.Kind]string{"": "openid profile", emulator.NoScope: "openid profile", emulator.ShrunkScope: "openid"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			play(t, func(_ *testing.T, s *scene) {
				s.fault(emulator.Fault{Kind: kind})
				s.expire()
				s.served(s.grant)
				if got := s.row(s.grant).Scope; got != want {
					s.Errorf("granted is %q, want %q", got, want)
				}
				s.ends(ending{posts: 1, generation: 2})
			})
		})
	}
}

// A provider that does not rotate gives the same refresh token again.
func TestScenario58_SameRefreshToken(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		const same = `{"access_token":"at","refresh_token":"rt","token_type":"Bearer","expires_in":899,"scope":"openid"}`
		s.fault(emulator.Fault{Kind: emulator.Status, Status: http.StatusOK, Body: same, Times: 3})
		for round := range 3 {
			s.expire()
			if err := second(s.grant.Token(t.Context())); err != nil {
				t.Error(err)
			}
			s.ends(ending{posts: round + 1, generation: uint64(round + 2)})
			if held, err := s.app.openTokens(s.row(s.grant)); err != nil || held.Refresh != "rt" {
				t.Error("the refresh token was not kept:", err)
			}
		}
	})
}

// Tokens of somebody else are kept, since they replaced ours, and used by
// nobody.
func TestScenario59_AnotherUsersTokens(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		user, err := s.grant.UserInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.app.setSubject(t.Context(), s.grant.ID(), user.Sub); err != nil {
			t.Fatal(err)
		}
		s.fault(emulator.Fault{}, emulator.Fault{Kind: emulator.OtherSubject})
		s.expire()
		s.served(s.grant) // an ID token of the same user is no matter
		s.ends(ending{posts: 1, generation: 2})
		s.expire()
		for _, g := range []*Grant{s.grant, s.process(s.store).Grant(s.grant.ID())} {
			reauth, ok := errors.AsType[*ReauthError](second(g.Token(t.Context())))
			if !ok || reauth.Reason != ReasonSubjectChanged {
				t.Error(reauth)
			}
		}
		s.ends(ending{posts: 2, generation: 3, state: StateNeedsReauth, reason: ReasonSubjectChanged})
	})
}
