package oauth

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// Group E: calls to an API.

// fakeAPI answers at localhost as answer says, and remembers what it was sent.
type fakeAPI struct {
	answer func(token string) *http.Response
	mu     sync.Mutex
	tokens []string
	bodies []string
	open   int // response bodies not closed yet
}

func (a *fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.tokens, a.bodies = append(a.tokens, token), append(a.bodies, string(body))
	resp := a.answer(token)
	resp.Request = r
	resp.Body = closing{resp.Body, func() { a.mu.Lock(); a.open--; a.mu.Unlock() }}
	a.open++
	return resp, nil
}

type closing struct {
	io.Reader
	closed func()
}

func (c closing) Close() error { c.closed(); return nil }

// unauthorized is what an API says of a token it does not take.
func unauthorized() *http.Response {
	resp := reply(http.StatusUnauthorized, "application/json", "{}")
	resp.Header.Set("WWW-Authenticate", invalidToken)
	return resp
}

// refusing answers 401 to the first token it sees and takes every other.
func refusing() *fakeAPI {
	first := ""
	return &fakeAPI{answer: func(token string) *http.Response {
		if first == "" {
			first = token
		}
		if token == first {
			return unauthorized()
		}
		return reply(http.StatusOK, "text/plain", "fine")
	}}
}

// client sends g's token to localhost over base.
func (s *scene) client(g *Grant, base http.RoundTripper) *http.Client {
	s.Helper()
	return &http.Client{Transport: g.RoundTripper(base, originsOf(s.T, "http://localhost"))}
}

// do sends a request and returns the status and the Retry-After of the answer.
func (s *scene) do(c *http.Client, method string, body io.Reader) (int, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, "http://localhost/api", body)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		s.Error(err)
		return 0, ""
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

func TestScenario61_RefusedBeforeItExpires(t *testing.T) {
	t.Parallel()
	t.Run("nobody has a newer one", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			time.Sleep(time.Minute)
			api := refusing()
			if status, _ := s.do(s.client(s.grant, api), http.MethodGet, nil); status != http.StatusOK || len(api.tokens) != 2 {
				t.Errorf("%d after %d requests", status, len(api.tokens))
			}
			s.ends(ending{posts: 1, generation: 2})
			s.lives()

			x := s.xoauth2()
			theirs := refusing()
			client := &http.Client{Transport: &oauth2.Transport{Source: x.source(), Base: theirs}}
			if status, _ := s.do(client, http.MethodGet, nil); status != http.StatusUnauthorized {
				t.Error("x/oauth2 renewed its token:", status)
			}
		})
	})
	t.Run("another process has", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			s.served(s.grant)
			time.Sleep(time.Minute)
			s.served(s.grant) // or it would look at the store before it sends
			if err := second(s.process(s.store).Grant(s.grant.ID()).Refresh(t.Context())); err != nil {
				t.Fatal(err)
			}
			api := refusing()
			if status, _ := s.do(s.client(s.grant, api), http.MethodGet, nil); status != http.StatusOK || len(api.tokens) != 2 {
				t.Errorf("%d after %d requests", status, len(api.tokens))
			}
			s.ends(ending{posts: 1, generation: 2})
		})
	})
}

func TestScenario62_EndpointThatAlwaysRefuses(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		api := &fakeAPI{answer: func(string) *http.Response { return unauthorized() }}
		clients := []*http.Client{s.client(s.grant, api), s.client(s.process(s.store).Grant(s.grant.ID()), api)}
		time.Sleep(time.Minute)
		for i := range 2000 { // for 200 seconds
			if status, _ := s.do(clients[i%2], http.MethodGet, nil); status != http.StatusUnauthorized {
				t.Error(status)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if api.open != 0 {
			t.Errorf("%d responses stayed open", api.open)
		}
		s.ends(ending{posts: 1, generation: 2})
		s.lives()
	})
}

func TestScenario63_OtherRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		challenge string
	}{
		"scope":       {http.StatusUnauthorized, `Bearer error="insufficient_scope"`},
		"no word":     {http.StatusUnauthorized, ""},
		"forbidden":   {http.StatusForbidden, ""},
		"rate":        {http.StatusTooManyRequests, ""},
		"broken":      {http.StatusInternalServerError, ""},
		"unavailable": {http.StatusServiceUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				time.Sleep(time.Minute)
				api := &fakeAPI{answer: func(string) *http.Response {
					resp := reply(c.status, "application/json", "{}")
					resp.Header = http.Header{"Retry-After": {"7"}, "Www-Authenticate": {c.challenge}}
					return resp
				}}
				if status, after := s.do(s.client(s.grant, api), http.MethodGet, nil); status != c.status || after != "7" || len(api.tokens) != 1 {
					t.Errorf("%d, Retry-After %q, after %d requests", status, after, len(api.tokens))
				}
				s.ends(ending{generation: 1})
			})
		})
	}
}

func TestScenario64_BodyOfAReplay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   io.Reader
		status int
		bodies []string
	}{
		"can be had again": {strings.NewReader("body"), http.StatusOK, []string{"body", "body"}},
		"none":             {nil, http.StatusOK, []string{"", ""}},
		"a stream":         {io.MultiReader(strings.NewReader("body")), http.StatusUnauthorized, []string{"body"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				time.Sleep(time.Minute)
				api := refusing()
				client := s.client(s.grant, api)
				if status, _ := s.do(client, http.MethodPut, c.body); status != c.status {
					t.Errorf("%d, want %d", status, c.status)
				}
				if fmt.Sprint(api.bodies) != fmt.Sprint(c.bodies) || api.open != 0 {
					t.Errorf("sent %q, want %q; %d responses open", api.bodies, c.bodies, api.open)
				}
				time.Sleep(time.Second)
				if status, _ := s.do(client, http.MethodGet, nil); status != http.StatusOK {
					t.Error("the next call:", status)
				}
				s.ends(ending{posts: 1, generation: 2})
			})
		})
	}
}

// 401 means that the call was not carried out, so a POST may go again.
func TestScenario65_UnsafeMethod(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		time.Sleep(time.Minute)
		api := refusing()
		if status, _ := s.do(s.client(s.grant, api), http.MethodPost, strings.NewReader("once")); status != http.StatusOK || len(api.bodies) != 2 {
			t.Errorf("%d after %d requests", status, len(api.bodies))
		}
		s.ends(ending{posts: 1, generation: 2})
	})
}
