package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// A refresh that brings another user's ID token: committed, used by nobody.
func TestSubjectChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		idToken := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"257"}`)) + ".c2ln"
		p.script = []behaviour{{answer: func(string) *http.Response {
			return reply(200, "application/json", `{"access_token":"at-theirs","refresh_token":"rt-theirs","expires_in":899,"id_token":"`+idToken+`"}`)
		}}}
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		if err := a.setSubject(t.Context(), id, "156"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		g := a.Grant(id)
		_, err := g.Refresh(t.Context())
		if reauth, ok := errors.AsType[*ReauthError](err); !ok || reauth.Reason != ReasonSubjectChanged {
			t.Error(err)
		}
		if row, held := rowOf(t, a, id); row.Generation != 2 || row.Subject != "156" || held.Refresh != "rt-theirs" {
			t.Errorf("generation %d of %s", row.Generation, row.Subject)
		}
		if err := g.Rearm(t.Context()); !errors.Is(err, ErrNeedsReauth) {
			t.Error("Rearm:", err)
		}
	})
}

func TestRearm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		p.familyOK = false
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		g := a.Grant(id)
		if _, err := g.Token(t.Context()); !errors.Is(err, ErrNeedsReauth) {
			t.Fatal(err)
		}
		p.familyOK = true // it was the provider's mistake
		for range 2 {
			if err := g.Rearm(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if tok, err := g.Token(t.Context()); err != nil || tok.AccessToken == "at-1" {
			t.Error(tok, err)
		}
		if err := g.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := g.Rearm(t.Context()); !errors.Is(err, ErrRevoked) {
			t.Error("Rearm after Revoke:", err)
		}
	})
}

func TestOneGrantPerUser(t *testing.T) {
	t.Parallel()
	for _, one := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newFakeProvider(), NewMemoryStore()
			a := newTestApp(t, p, store)
			a.config.OneGrantPerUser = one
			grants := manyGrants(t, a, 2)
			time.Sleep(time.Minute)
			grants = append(grants, manyGrants(t, a, 1)...)
			for i, subject := range []string{"156", "257", "156"} {
				if err := a.setSubject(t.Context(), grants[i].ID(), subject); err != nil {
					t.Fatal(err)
				}
				a.supersede(t.Context(), &Login{GrantID: grants[i].ID(), Subject: subject})
				synctest.Wait()
			}
			if err := a.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			info, err := grants[0].Info(t.Context())
			if err != nil || (info.State == StateTombstone) != one {
				t.Errorf("OneGrantPerUser %v: the user's first grant is %s, %v", one, info.State, err)
			}
			if got := states(t, grants[1:]); got[StateActive] != 2 {
				t.Errorf("OneGrantPerUser %v: the others are %v", one, got)
			}
		})
	}
}

func TestTokenSources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		source := a.Grant(id).TokenSource(t.Context())
		for _, want := range []string{"at-1", "at-2"} {
			tok, err := source.Token()
			if err != nil || tok.AccessToken != want || tok.RefreshToken != "" {
				t.Error(tok, err)
			}
			time.Sleep(2 * time.Minute)
		}

		api := &strictAPI{takes: func(token string) bool { return token == "at-mine" }}
		cred := CredentialFrom("mine", oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "at-mine"}))
		client := &http.Client{Transport: cred.RoundTripper(api, a.origins)}
		if status, err := callAPI(t, client, nil); status != 200 || err != nil || cred.CredentialID() != "mine" {
			t.Error(status, err)
		}
		client.Transport = cred.RoundTripper(api, originsOf(t, "https://elsewhere.example"))
		if status, err := callAPI(t, client, nil); status != 401 || err != nil {
			t.Error("to an origin that is not allowed:", status, err)
		}
	})
}

// A sign-in that fails between the two writes of its row leaves none.
func TestHalfCreatedGrant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &troubledStore{MemoryStore: NewMemoryStore()}
		a := newTestApp(t, newFakeProvider(), store)
		store.set(func(n int, _ Row) (bool, error) {
			if n == 2 {
				return false, ErrNotWritten
			}
			return true, nil
		})
		id, err := a.createGrant(t.Context(), &answer{Issued: time.Now().Round(0), AccessToken: "at", RefreshToken: "rt", Lifetime: 15 * time.Minute})
		if !errors.Is(err, ErrNotWritten) || id != "" || len(store.rows) != 0 {
			t.Errorf("%v, %q, %d rows", err, id, len(store.rows))
		}
	})
}

// A fetch of keys ends with the App.
func TestKeysAreNotFetchedAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		under := 0
		a := newTestApp(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			under++
			defer func() { under-- }()
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), NewMemoryStore())
		if _, _, err := a.verifier.keys.lookup(t.Context(), "kid"); err == nil {
			t.Error("there is a key")
		}
		synctest.Wait()
		if under != 1 {
			t.Errorf("%d requests are under way", under)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if under != 0 {
			t.Errorf("%d requests are under way after Close", under)
		}
	})
}

// unsearchedStore cannot be searched.
type unsearchedStore struct{ *MemoryStore }

func (unsearchedStore) Find(context.Context, Query) iter.Seq2[Row, error] {
	panic("the store has a bug")
}

// Nobody is there to recover a panic in the background, which would end the
// process and with it whatever is under way.
func TestPanicInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newTestApp(t, newFakeProvider(), unsearchedStore{NewMemoryStore()})
		a.config.OneGrantPerUser = true
		g := manyGrants(t, a, 1)[0]
		a.supersede(t.Context(), &Login{GrantID: g.ID(), Subject: "156"})
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := states(t, []*Grant{g}); got[StateActive] != 1 {
			t.Error(got)
		}
	})
}

type unansweredStore struct{ *MemoryStore }

func (unansweredStore) Find(ctx context.Context, _ Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		<-ctx.Done()
		yield(Row{}, ctx.Err())
	}
}

func TestSupersedeLeavesAStoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newTestApp(t, newFakeProvider(), unansweredStore{NewMemoryStore()})
		a.config.OneGrantPerUser = true
		g := manyGrants(t, a, 1)[0]
		began := time.Now()
		a.supersede(t.Context(), &Login{GrantID: g.ID(), Subject: "156"})
		if err := a.Close(t.Context()); err != nil || time.Since(began) > storeLimit {
			t.Errorf("Close took %v: %v", time.Since(began), err)
		}
	})
}
