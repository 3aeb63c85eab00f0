package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
)

// badStore is a memory store in trouble. Its hooks stand in for Load and Swap;
// nil ones do not.
type badStore struct {
	*oauth.MemoryStore
	mu   sync.Mutex
	load func(id oauth.GrantID) (oauth.Row, error)
	swap func(old oauth.Version, row oauth.Row) (oauth.Row, error)
	past []seen // every state of the rows
}

type seen struct {
	at  time.Time
	row oauth.Row
}

func (s *badStore) Load(ctx context.Context, id oauth.GrantID) (oauth.Row, error) {
	s.mu.Lock()
	load := s.load
	s.mu.Unlock()
	if load != nil {
		return load(id)
	}
	return s.MemoryStore.Load(ctx, id)
}

func (s *badStore) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	s.mu.Lock()
	swap := s.swap
	s.mu.Unlock()
	if swap != nil {
		return swap(old, row)
	}
	return s.apply(ctx, old, row)
}

// apply is a Swap that works.
func (s *badStore) apply(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	stored, err := s.MemoryStore.Swap(ctx, old, row)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.past = append(s.past, seen{time.Now(), stored})
	}
	return stored, err
}

// as returns the newest row that was stored before that time.
func (s *badStore) as(id oauth.GrantID, before time.Time) (oauth.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := oauth.Row{}
	for _, p := range s.past {
		if p.row.GrantID == id && p.at.Before(before) {
			row = p.row
		}
	}
	if row.Version == "" {
		return row, oauth.ErrNoGrant
	}
	row.Now = time.Now()
	return row, nil
}

func (s *badStore) trouble(load func(oauth.GrantID) (oauth.Row, error), swap func(oauth.Version, oauth.Row) (oauth.Row, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load, s.swap = load, swap
}

// mend ends the trouble, and lets time pass in which errors are remembered.
func (s *badStore) mend() {
	s.trouble(nil, nil)
	time.Sleep(time.Minute)
}

// The kinds of trouble.

func loseAnswers(s *badStore) {
	s.trouble(nil, func(old oauth.Version, row oauth.Row) (oauth.Row, error) {
		if _, err := s.apply(context.Background(), old, row); err != nil {
			return oauth.Row{}, err
		}
		return oauth.Row{}, fmt.Errorf("connection reset: %w", oauth.ErrUnknown)
	})
}

func slowBy(d time.Duration) func(*badStore) {
	return func(s *badStore) {
		s.trouble(func(id oauth.GrantID) (oauth.Row, error) {
			time.Sleep(d)
			return s.MemoryStore.Load(context.Background(), id)
		}, func(old oauth.Version, row oauth.Row) (oauth.Row, error) {
			time.Sleep(d)
			return s.apply(context.Background(), old, row)
		})
	}
}

func refuseWrites(s *badStore) {
	s.trouble(nil, func(oauth.Version, oauth.Row) (oauth.Row, error) {
		return oauth.Row{}, fmt.Errorf("read-only: %w", oauth.ErrNotWritten)
	})
}

// fillUp takes intents and, for a minute, no more.
func fillUp(s *badStore) {
	until := time.Now().Add(time.Minute)
	s.trouble(nil, func(old oauth.Version, row oauth.Row) (oauth.Row, error) {
		if row.Intent == nil && time.Now().Before(until) {
			return oauth.Row{}, fmt.Errorf("disk full: %w", oauth.ErrNotWritten)
		}
		return s.apply(context.Background(), old, row)
	})
}

// lagBy reads from a replica that is behind, and writes to the primary.
func lagBy(d time.Duration) func(*badStore) {
	return func(s *badStore) {
		s.trouble(func(id oauth.GrantID) (oauth.Row, error) {
			time.Sleep(time.Millisecond)
			return s.as(id, time.Now().Add(-d))
		}, nil)
	}
}

// journey is one user's: sign in, refresh twice, sign out.
type journey struct {
	*testing.T
	emu   *emulator.Emulator
	store *badStore
	app   *oauth.App
	id    oauth.GrantID
}

func newJourney(t *testing.T) *journey {
	t.Helper()
	emu, err := emulator.New(emulator.Options{ClientSecret: secretWord, AutoConsent: true})
	if err != nil {
		t.Fatal(err)
	}
	j := &journey{T: t, emu: emu, store: &badStore{MemoryStore: oauth.NewMemoryStore()}}
	at := emu.Options()
	j.app, err = oauth.New(oauth.Config{
		ClientID: at.ClientID, ClientSecret: secretWord, RedirectURL: at.RedirectURLs[0], Scopes: []string{"openid"},
		Store: j.store, HTTPClient: &http.Client{Transport: emu.Transport()},
		Provider: &oauth.Provider{
			Issuer: at.Issuer, AuthorizationURL: at.URL + "/oauth/v1/authorize", TokenURL: at.URL + "/oauth/v1/token",
			JWKSURL: at.URL + "/oauth/v1/certs", RevocationURL: at.URL + "/oauth/v1/token/revoke",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.app.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return j
}

// signIn returns why the sign-in failed.
func (j *journey) signIn() (failure error) {
	j.Helper()
	site := http.NewServeMux()
	site.Handle("/login", j.app.LoginHandler(oauth.LoginOptions{}))
	site.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		var login *oauth.Login
		if login, failure = j.app.FinishLogin(w, r); failure == nil {
			j.id = login.GrantID
		}
	})
	b := browser.New(browser.Options{Base: j.emu.Transport(), Handlers: map[string]http.Handler{"localhost:3000": site}})
	if _, err := b.Open(j.Context(), "http://localhost:3000/login"); err != nil {
		j.Fatal(err)
	}
	return failure
}

// refresh waits as long as it takes.
func (j *journey) refresh() error {
	_, err := j.app.Grant(j.id).Refresh(j.Context())
	return err
}

func (j *journey) revoke() error { return j.app.Grant(j.id).Revoke(j.Context()) }

// want checks what a step came to: its error, the row, the refreshes sent.
func (j *journey) want(step string, err, target error, generation uint64, state oauth.State, reason oauth.Reason, posts int) {
	j.Helper()
	if !errors.Is(err, target) {
		j.Errorf("%s: error %v, want %v", step, err, target)
	}
	row, err := j.store.MemoryStore.Load(j.Context(), j.id)
	if err != nil || row.Generation != generation || row.State != state || row.Reason != reason {
		j.Errorf("%s: generation %d, %s (%s), %v; want generation %d, %s (%s)", step, row.Generation, row.State, row.Reason, err, generation, state, reason)
	}
	if got := j.emu.Log().TokenPOSTs("refresh_token"); got != posts {
		j.Errorf("%s: %d refreshes were sent, want %d", step, got, posts)
	}
	if replays := j.emu.Log().Replays(); len(replays) > 0 {
		j.Errorf("%s: a refresh token was presented twice", step)
	}
}

// A sign-in, two refreshes and a revocation over stores in trouble: whatever
// they do, no refresh token is presented twice, none is lost, and nothing comes
// back after the revocation.
func TestStoresInTrouble(t *testing.T) {
	t.Parallel()
	const active, gone = oauth.StateActive, oauth.StateTombstone
	for name, act := range map[string]func(*journey){
		"loses its answers": func(j *journey) {
			loseAnswers(j.store)
			j.want("sign-in", j.signIn(), nil, 1, active, "", 0)
			j.want("refresh", j.refresh(), nil, 2, active, "", 1)
			j.want("refresh", j.refresh(), nil, 3, active, "", 2)
			j.want("revoke", j.revoke(), nil, 3, gone, oauth.ReasonConfirmed, 2)
		},
		"is slow": func(j *journey) {
			slowBy(2 * time.Second)(j.store)
			j.want("sign-in", j.signIn(), nil, 1, active, "", 0)
			j.want("refresh", j.refresh(), nil, 2, active, "", 1)
			j.want("refresh", j.refresh(), nil, 3, active, "", 2)
			j.want("revoke", j.revoke(), nil, 3, gone, oauth.ReasonConfirmed, 2)
		},
		"is slower than the send budget": func(j *journey) {
			slowBy(6 * time.Second)(j.store)
			j.want("sign-in", j.signIn(), nil, 1, active, "", 0)
			if err := j.refresh(); err == nil {
				j.Error("a refresh was made after its budget")
			}
			j.want("refresh", nil, nil, 1, active, "", 0)
			j.store.mend()
			j.want("refresh, mended", j.refresh(), nil, 2, active, "", 1)
			slowBy(6 * time.Second)(j.store)
			j.want("revoke", j.revoke(), nil, 2, gone, oauth.ReasonConfirmed, 1)
		},
		"is read-only": func(j *journey) {
			refuseWrites(j.store)
			if err := j.signIn(); !errors.Is(err, oauth.ErrStoreUnavailable) {
				j.Errorf("sign-in: %v", err)
			}
			if got := j.emu.Log().To(emulator.EndpointRevoke); len(got) != 1 {
				j.Errorf("tokens that could not be kept: %d revocations, want 1", len(got))
			}
			j.store.mend()
			j.want("sign-in, mended", j.signIn(), nil, 1, active, "", 0)
			refuseWrites(j.store)
			j.want("refresh", j.refresh(), oauth.ErrStoreUnavailable, 1, active, "", 0)
			j.want("revoke", j.revoke(), oauth.ErrStoreUnavailable, 1, active, "", 0)
			j.store.mend()
			j.want("refresh, mended", j.refresh(), nil, 2, active, "", 1)
			j.want("revoke, mended", j.revoke(), nil, 2, gone, oauth.ReasonConfirmed, 1)
		},
		"fills up while Roblox answers": func(j *journey) {
			j.want("sign-in", j.signIn(), nil, 1, active, "", 0)
			fillUp(j.store)
			began := time.Now()
			j.want("refresh", j.refresh(), nil, 2, active, "", 1)
			if waited := time.Since(began); waited < 40*time.Second {
				j.Errorf("a token was served after %v that no store had", waited)
			}
			j.want("refresh", j.refresh(), nil, 3, active, "", 2)
			j.want("revoke", j.revoke(), nil, 3, gone, oauth.ReasonConfirmed, 2)
		},
		"gives back old rows": func(j *journey) {
			j.want("sign-in", j.signIn(), nil, 1, active, "", 0)
			time.Sleep(time.Minute)
			lagBy(3 * time.Second)(j.store)
			j.want("refresh", j.refresh(), nil, 2, active, "", 1)
			j.want("refresh at once", j.refresh(), oauth.ErrCorruptRow, 2, active, "", 1)
			time.Sleep(time.Minute)
			j.want("refresh later", j.refresh(), nil, 3, active, "", 2)
			j.want("revoke", j.revoke(), nil, 3, gone, oauth.ReasonConfirmed, 2)
			time.Sleep(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := newJourney(t)
				act(j)
				if err := j.refresh(); !errors.Is(err, oauth.ErrRevoked) {
					t.Errorf("after the revocation: %v", err)
				}
			})
		})
	}
}
