package oauth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Group D: what becomes of a token request on its way.

// slowAnswer rotates, tells so, and answers after d.
func slowAnswer(d time.Duration, rotated chan<- struct{}) emulator.Fault {
	return emulator.Fault{After: true, Delay: d, Hold: func() { close(rotated) }}
}

func TestScenario42_AnswerLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.Kind{emulator.Drop, emulator.Reset} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				lost := emulator.Fault{After: true, Kind: kind}
				s.fault(lost)
				s.expire()
				if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrInDoubt) {
					t.Error("the first caller:", err)
				}
				s.ends(ending{posts: 1, generation: 1})
				reauth, ok := errors.AsType[*ReauthError](second(s.grant.Token(t.Context())))
				if !ok || reauth.Reason != ReasonLostInFlight {
					t.Error("the second:", reauth)
				}
				s.ends(ending{posts: 2, reuses: 1, generation: 1, state: StateNeedsReauth, reason: ReasonLostInFlight})

				x := s.xoauth2()
				x.fault(lost)
				src := x.source()
				if _, err := src.Token(); err == nil || len(x.emu.Log().Reuses()) != 0 {
					t.Error("x/oauth2, first call:", err)
				}
				x.lost(src) // its next call replays at once

				auto := s.xoauth2()
				auto.config.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
				auto.fault(lost)
				if _, err := auto.source().Token(); err == nil || auto.emu.Log().TokenPOSTs("refresh_token") != 2 {
					t.Error("x/oauth2, style open:", err)
				}
				auto.lost() // within a single call
			})
		})
	}
}

// A provider that answers its last refresh token again for a while gives the
// probe what was lost.
func TestScenario42_ProviderWithAGracePeriod(t *testing.T) {
	t.Parallel()
	playAt(t, emulator.ReuseGrace(time.Minute), func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{After: true, Kind: emulator.Drop})
		s.expire()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrInDoubt) {
			t.Error(err)
		}
		s.served(s.grant)
		s.ends(ending{posts: 2, reuses: 1, generation: 2})
		s.lives()
	})
}

// A 502 comes from something in between; whether the request took effect is
// not known, and the answer that would tell may still be under way.
func TestScenario43_BadGateway(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"took effect": true, "took none": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				bad := emulator.Fault{After: after, Kind: emulator.HTML, Status: http.StatusBadGateway}
				s.fault(bad)
				s.expire()
				if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrInDoubt) {
					t.Error(err)
				}
				began := time.Now()
				err := second(s.grant.Token(t.Context()))
				if took := time.Since(began); took != defaultSendBudget+defaultDrainMargin {
					t.Errorf("the probe came after %v", took)
				}
				if !after {
					if err != nil {
						t.Error(err)
					}
					s.ends(ending{posts: 2, generation: 2})
					s.lives()
					return
				}
				if !errors.Is(err, ErrNeedsReauth) {
					t.Error(err)
				}
				s.ends(ending{posts: 2, reuses: 1, generation: 1, state: StateNeedsReauth, reason: ReasonLostInFlight})

				x := s.xoauth2()
				x.config.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
				x.fault(bad)
				if _, err := x.source().Token(); err == nil {
					t.Error("x/oauth2 took a 502 for a token")
				}
				x.lost()
			})
		})
	}
}

// Nothing was written, so that the intent goes and the next one may try.
func TestScenario45_ConnectionRefused(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		refused := errors.New("connection refused")
		s.via = roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused })
		s.expire()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, refused) || errors.Is(err, ErrInDoubt) {
			t.Error(err)
		}
		if row := s.row(s.grant); row.Intent != nil {
			t.Error("an intent stayed")
		}
		s.ends(ending{generation: 1})
		s.via = s.emu.Transport()
		time.Sleep(5 * time.Second)
		began := time.Now()
		s.served(s.grant)
		if took := time.Since(began); took != 0 {
			t.Errorf("the next caller waited %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

// net/http sends a request again by itself if a kept connection turns out to
// be dead. Ours it must not, and nothing may call it idempotent.
func TestScenario46_DeadKeptConnection(t *testing.T) {
	t.Parallel()
	posts := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return
		}
		posts <- r.FormValue("refresh_token")
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			if r.Header[name] != nil {
				t.Error("the request has", name)
			}
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close() // the connection the GET left, without an answer
	}))
	defer server.Close()
	provider := Roblox()
	provider.TokenURL = server.URL + "/token"
	a, err := New(Config{
		ClientID: "client", RedirectURL: "http://localhost/cb", Scopes: []string{"openid"},
		Store: NewMemoryStore(), Provider: &provider,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	id, err := a.createGrant(t.Context(), &answer{Issued: time.Now().Round(0), AccessToken: "at", RefreshToken: "rt-1"})
	if err != nil {
		t.Fatal(err)
	}
	row, err := a.change(t.Context(), id, func(r *Row) bool { r.CommittedAt = r.CommittedAt.Add(-time.Minute); return true })
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := a.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := second(a.Grant(id).Token(t.Context())); !errors.Is(err, ErrInDoubt) {
		t.Error(err)
	}
	if got := <-posts; got != "rt-1" || len(posts) != 0 {
		t.Errorf("the provider saw %q and %d requests more", got, len(posts))
	}
	if row, err = a.load(t.Context(), id); err != nil || row.State != StateActive || row.Intent == nil || row.Generation != 1 {
		t.Errorf("%s at generation %d, %v", row.State, row.Generation, err)
	}
}

// Something before the provider refuses: that says nothing of the grant.
func TestScenario47_FirewallRefuses(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]emulator.Fault{
		"403":        {Kind: emulator.HTML, Status: http.StatusForbidden},
		"400":        {Kind: emulator.HTML, Status: http.StatusBadRequest},
		"400, empty": {Kind: emulator.Status, Status: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				s.fault(f, f)
				s.expire()
				for range 2 {
					if err := second(s.grant.Token(t.Context())); err == nil || errors.Is(err, ErrNeedsReauth) {
						t.Error(err)
					}
				}
				s.ends(ending{posts: 2, generation: 1})
				s.served(s.grant)
				s.ends(ending{posts: 3, generation: 2})
				s.lives()
			})
		})
	}
}

// A redirect would hand the client's secret and the refresh token to another
// host.
func TestScenario56_TokenEndpointRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				away := emulator.Fault{Kind: emulator.Redirect, Status: status, Location: "https://elsewhere.example/token"}
				s.fault(away)
				s.expire()
				ours := &listener{base: s.emu.Transport()}
				s.via = ours
				if err := second(s.grant.Token(t.Context())); err == nil || errors.Is(err, ErrNeedsReauth) {
					t.Error(err)
				}
				if len(ours.heard) != 0 {
					t.Errorf("another host was sent %q", ours.heard)
				}
				s.ends(ending{posts: 1, generation: 1})
				s.served(s.grant)
				s.ends(ending{posts: 2, generation: 2})

				x := s.xoauth2()
				x.fault(away)
				theirs := &listener{base: x.emu.Transport()}
				x.through(theirs)
				_, _ = x.source().Token() // what matters is who heard
				if len(theirs.heard) != 1 || theirs.heard[0].Get("refresh_token") == "" || theirs.heard[0].Get("client_secret") == "" {
					t.Errorf("x/oauth2 told the other host %d times", len(theirs.heard))
				}
			})
		})
	}
}

// Half the answer comes and the rest never: the wait ends. What was in the
// other half is lost, and recorded as lost by nobody's wish.
func TestScenario57_AnswerNeverEnds(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{Kind: emulator.Stall})
		s.expire()
		began := time.Now()
		s.served(s.grant) // with what had come
		if took := time.Since(began); took != answerLimit {
			t.Errorf("it took %v", took)
		}
		s.ends(ending{posts: 1, generation: 2})
		s.expire()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
			t.Error(err)
		}
		s.ends(ending{posts: 2, reuses: 1, generation: 2, state: StateNeedsReauth, reason: ReasonLostInFlight})
	})
}

// The provider counts from when it issued, which was after we asked.
func TestScenario60_SlowAnswerIsNoLongerLife(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		slow := emulator.Fault{After: true, Delay: 8 * time.Second}
		s.fault(slow)
		s.expire()
		asked := time.Now()
		s.served(s.grant)
		if got := s.row(s.grant).Expiry; !got.Equal(asked.Add(defaultLifetime)) {
			t.Errorf("the token expires %v after it was asked for", got.Sub(asked))
		}
		s.ends(ending{posts: 1, generation: 2})

		x := s.xoauth2()
		x.fault(slow)
		asked = time.Now()
		tok, err := x.source().Token()
		if err != nil || tok.Expiry.Before(asked.Add(defaultLifetime+8*time.Second)) {
			t.Error("x/oauth2 counts from the request:", err)
		}
	})
}
