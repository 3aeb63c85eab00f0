package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Group E, on: what a token is sent with, and where to.

func TestScenario67_CallersOwnAuthorization(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		send := func(rt http.RoundTripper) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer mine")
			resp, err := rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		api := &fakeAPI{answer: func(string) *http.Response { return reply(http.StatusOK, "text/plain", "") }}
		s.expire() // and it costs no refresh
		send(s.client(s.grant, api).Transport)
		s.ends(ending{generation: 1})
		send(&oauth2.Transport{Source: s.xoauth2().source(), Base: api})
		if api.tokens[0] != "mine" || api.tokens[1] == "mine" {
			t.Errorf("sent %q; x/oauth2 overwrites what it finds", api.tokens[0])
		}
	})
}

// away redirects every call to localhost elsewhere.
func away(to string, heard *listener) *listener {
	heard.base = roundTrip(func(*http.Request) (*http.Response, error) {
		resp := reply(http.StatusTemporaryRedirect, "text/plain", "")
		resp.Header.Set("Location", to)
		return resp, nil
	})
	return heard
}

func TestScenario68_RedirectToAnotherHost(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{
		"https": "https://elsewhere.example/", "plain http": "http://elsewhere.example/", "a look-alike": "https://localhost.example/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				ours := away(to, &listener{})
				if status, _ := s.do(s.client(s.grant, ours), http.MethodGet, nil); status != http.StatusOK || len(ours.auth) != 1 || ours.auth[0] != "" {
					t.Errorf("%d; the other host was sent %d headers", status, len(ours.auth))
				}
				theirs := away(to, &listener{})
				s.do(&http.Client{Transport: &oauth2.Transport{Source: s.xoauth2().source(), Base: theirs}}, http.MethodGet, nil)
				if len(theirs.auth) != 1 || !strings.HasPrefix(theirs.auth[0], "Bearer ") {
					t.Errorf("x/oauth2 keeps its token from the other host: %d", len(theirs.auth))
				}
				s.ends(ending{generation: 1})
			})
		})
	}
}

func TestScenario69_PlainHTTP(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		send := func(rt http.RoundTripper) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://apis.roblox.com/cloud/v2/users/1", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		var ours, theirs listener
		send(s.grant.RoundTripper(&ours, originsOf(t, "https://apis.roblox.com")))
		send(&oauth2.Transport{Source: s.xoauth2().source(), Base: &theirs})
		if ours.auth[0] != "" || theirs.auth[0] == "" {
			t.Errorf("we sent %d bytes of Authorization in clear, x/oauth2 %d", len(ours.auth[0]), len(theirs.auth[0]))
		}
		s.ends(ending{generation: 1})
	})
}

func TestScenario70_SecretsInOutput(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		held, err := s.app.openTokens(s.row(s.grant))
		if err != nil {
			t.Fatal(err)
		}
		echo := emulator.Fault{
			Kind: emulator.Status, Status: http.StatusBadRequest,
			Body: fmt.Sprintf(`{"error":"invalid_request","error_description":"what is %s?"}`, held.Refresh),
		}
		s.fault(echo)
		s.expire()
		fail := second(s.grant.Token(t.Context()))
		for _, v := range []any{fail, held, s.app, s.grant, Secret(held.Refresh)} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				if out := fmt.Sprintf(verb, v); strings.Contains(out, held.Refresh) || strings.Contains(out, held.Access) {
					t.Errorf("%s of %T shows a token", verb, v)
				}
			}
		}
		s.ends(ending{posts: 1, generation: 1})

		x := s.xoauth2()
		tok, err := x.source().Token()
		if err != nil || !strings.Contains(fmt.Sprintf("%+v", tok), tok.RefreshToken) {
			t.Error("x/oauth2 redacts its tokens:", err)
		}
		x.fault(echo)
		if err := second(x.source().Token()); err == nil || !strings.Contains(err.Error(), held.Refresh) {
			t.Error("x/oauth2 keeps the provider's body to itself")
		}
	})
}

// In its last seconds a token is not sent: it might expire on its way.
func TestScenario71_ExpiresOnItsWay(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.served(s.grant)
		old := s.row(s.grant).Expiry
		time.Sleep(time.Until(old) - 5*time.Second)
		tok, err := s.grant.Token(t.Context())
		if err != nil || !tok.Expiry.After(old) {
			t.Error("a token with five seconds left was served:", err)
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}

type idleCloser struct {
	http.RoundTripper
	closed int
}

func (c *idleCloser) CloseIdleConnections() { c.closed++ }

func TestScenario72_CloseIdleConnections(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		base := &idleCloser{}
		s.client(s.grant, base).CloseIdleConnections()
		if base.closed != 1 {
			t.Errorf("forwarded %d times", base.closed)
		}
		s.ends(ending{generation: 1})
	})
}

func TestScenario73_ClientTimeout(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{After: true, Delay: 4 * time.Second})
		s.expire()
		client := s.client(s.grant, s.emu.Transport())
		client.Timeout = time.Second
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/oauth/v1/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		resp, err := client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
		time.Sleep(4 * time.Second)
		s.ends(ending{posts: 1, generation: 2})
		s.served(s.grant)
		s.lives()
	})
}
