package oauth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// strictAPI answers 401 to every token but those it takes.
type strictAPI struct {
	takes     func(token string) bool
	challenge string
	mu        sync.Mutex
	bodies    []string
	calls     atomic.Int64
}

func (a *strictAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	a.calls.Add(1)
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	a.mu.Lock()
	a.bodies = append(a.bodies, string(body))
	a.mu.Unlock()
	if a.takes(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
		return reply(200, "text/plain", "fine"), nil
	}
	resp := reply(401, "text/plain", "refused")
	if a.challenge != "" {
		resp.Header.Set("WWW-Authenticate", a.challenge)
	}
	return resp, nil
}

const invalidToken = `Bearer realm="x", error="invalid_token", error_description="expired"`

func (a *strictAPI) client(g *Grant) *http.Client {
	return &http.Client{Transport: &Transport{Grant: g, Base: a, Origins: g.app().origins}}
}

func callAPI(t *testing.T, c *http.Client, body io.Reader) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://apis.roblox.com/x", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		challenge string
		age       time.Duration
		body      func() io.Reader
		status    int
		posts     int
	}{
		{"an expired token", invalidToken, time.Minute, func() io.Reader { return nil }, 200, 1},
		{"with a body that can be had again", invalidToken, time.Minute, func() io.Reader { return strings.NewReader("payload") }, 200, 1},
		{"with a body that cannot", invalidToken, time.Minute, func() io.Reader { return io.MultiReader(bytes.NewReader([]byte("payload"))) }, 401, 1},
		{"a missing scope", `Bearer error="insufficient_scope"`, time.Minute, func() io.Reader { return nil }, 401, 0},
		{"no reason given", "", time.Minute, func() io.Reader { return nil }, 401, 0},
		{"a token of 20 seconds", invalidToken, 20 * time.Second, func() io.Reader { return nil }, 401, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakeProvider()
				a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
				api := &strictAPI{takes: func(token string) bool { return token == "at-2" }, challenge: c.challenge}
				time.Sleep(c.age)
				status, err := callAPI(t, api.client(a.Grant(id)), c.body())
				if err != nil || status != c.status {
					t.Errorf("%d, %v; want %d", status, err, c.status)
				}
				synctest.Wait()
				time.Sleep(time.Second)
				if got := p.sent(); len(got) != c.posts {
					t.Errorf("token POSTs %q, want %d", got, c.posts)
				}
				if c.status == 200 && (len(api.bodies) != 2 || api.bodies[0] != api.bodies[1]) {
					t.Errorf("bodies %q, want the same twice", api.bodies)
				}
			})
		})
	}
}

// An endpoint that always refuses: 10,000 calls of two processes cost one
// rotation in five minutes.
func TestEndpointThatAlwaysRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, store, 15*time.Minute)
		apps := []*App{a, newTestApp(t, p, store)}
		api := &strictAPI{takes: func(string) bool { return false }, challenge: invalidToken}
		time.Sleep(time.Minute)
		var wg sync.WaitGroup
		var other atomic.Int32
		for i := range 10_000 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond) // over 200 s
				if status, err := callAPI(t, api.client(apps[i%2].Grant(id)), nil); status != 401 || err != nil {
					other.Add(1)
				}
			})
		}
		wg.Wait()
		if got := p.sent(); len(got) != 1 || other.Load() != 0 {
			t.Errorf("token POSTs %q, want one; %d calls got something other than the 401", got, other.Load())
		}
	})
}

// A provider may end the old access token when it gives out the next. Calls
// that still carry it wait for the commit under way and go out again, however
// young it is.
func TestRefusedTokenThatAnotherProcessIsReplacing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, store, 25*time.Second)
		b := newTestApp(t, p, store)
		if _, err := b.Grant(id).Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		api := &strictAPI{takes: func(token string) bool { return token == "at-2" }, challenge: invalidToken}
		p.latency = time.Second
		refreshed := make(chan error, 1)
		go func() {
			_, err := a.Grant(id).Refresh(t.Context())
			refreshed <- err
		}()
		time.Sleep(time.Second / 2)
		status, err := callAPI(t, api.client(b.Grant(id)), nil)
		if err != nil || status != 200 {
			t.Errorf("%d, %v", status, err)
		}
		if err := <-refreshed; err != nil {
			t.Error(err)
		}
		if got := p.sent(); len(got) != 1 || api.calls.Load() != 2 {
			t.Errorf("token POSTs %q and %d calls, want one and two", got, api.calls.Load())
		}
	})
}

// The other process has rotated already: adopt, do not rotate.
func TestRefusedTokenThatAnotherProcessRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		a, id := signedIn(t, p, store, 15*time.Minute)
		b := newTestApp(t, p, store)
		if _, err := b.Grant(id).Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := a.Grant(id).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		api := &strictAPI{takes: func(token string) bool { return token == "at-2" }, challenge: invalidToken}
		if status, err := callAPI(t, api.client(b.Grant(id)), nil); status != 200 || err != nil {
			t.Error(status, err)
		}
		if got := p.sent(); !slices.Equal(got, []string{"rt-1"}) {
			t.Errorf("token POSTs %q, want the first alone", got)
		}
	})
}

// The user withdrew the authorization: the refusal is the first that shows it.
func TestRefusedTokenOfADeadGrant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.familyOK = false
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		api := &strictAPI{takes: func(string) bool { return false }, challenge: invalidToken}
		time.Sleep(time.Minute)
		if _, err := callAPI(t, api.client(a.Grant(id)), nil); !errors.Is(err, ErrNeedsReauth) {
			t.Error(err)
		}
	})
}
