package oauth

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// One client serves all users; the context says whose token goes along.
func TestClientForAllUsers(t *testing.T) {
	t.Parallel()
	a := newTestApp(t, newFakeProvider(), NewMemoryStore())
	var heard []string
	client := a.Client()
	client.Transport.(*Transport).Base = roundTrip(func(r *http.Request) (*http.Response, error) {
		heard = append(heard, r.Host+" "+r.Header.Get("Authorization"))
		return reply(200, "text/plain", ""), nil
	})
	get := func(g *Grant, url string) error {
		ctx := t.Context()
		if g != nil {
			ctx = WithGrant(ctx, g)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	for _, token := range []string{"at-one", "at-two"} {
		id, err := a.createGrant(t.Context(), &answer{Issued: time.Now(), AccessToken: Secret(token), RefreshToken: "rt-1", Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		heard = nil
		if err := get(a.Grant(id), "https://apis.roblox.com/x"); err != nil || len(heard) != 1 || heard[0] != "apis.roblox.com Bearer "+token {
			t.Errorf("%q, %v", heard, err)
		}
	}
	heard = nil
	if err := get(nil, "https://apis.roblox.com/x"); !errors.Is(err, ErrNoGrantInContext) || len(heard) != 0 {
		t.Errorf("without a grant: %v, sent to %q", err, heard)
	}
	if err := get(nil, "https://elsewhere.example/x"); err != nil || len(heard) != 1 || heard[0] != "elsewhere.example " {
		t.Errorf("to an origin that gets no token: %q, %v", heard, err)
	}
	if err := get(a.Grant("no grant"), "https://apis.roblox.com/x"); !errors.Is(err, ErrNoGrant) {
		t.Error(err)
	}
}
