package oauth

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// sealedBy returns the key that the scene's row is sealed with, 0 if none.
func (s *scene) sealedBy(g *Grant) byte {
	s.Helper()
	sealed := s.row(g).Sealed
	if sealed[0] == unsealed {
		return 0
	}
	return sealed[1]
}

// A key is added everywhere, made primary in one process first, and the old one
// removed once no row is sealed with it: nobody notices.
func TestScenario40_KeyIsChanged(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		one, two := newKeyring('a', "a"), newKeyring('a', "a")
		s.app = s.processWith(s.store, one)
		s.grant = s.signIn()
		other := s.processWith(s.store, two).Grant(s.grant.ID())
		generation := uint64(1)
		for _, step := range []struct {
			change func()
			by     *Grant
			key    byte
		}{
			{func() {}, s.grant, 'a'},
			{func() { two.set('a', "ab") }, s.grant, 'a'},
			{func() { one.set('a', "ab") }, other, 'a'},
			{func() { two.set('b', "ab") }, other, 'b'},
			{func() {}, s.grant, 'a'}, // it does not seal with the new one yet
			{func() { one.set('b', "ab") }, s.grant, 'b'},
			{func() { one.set('b', "b") }, other, 'b'},
			{func() { two.set('b', "b") }, s.grant, 'b'},
		} {
			step.change()
			s.expire()
			generation++
			s.served(step.by)
			s.served(s.grant)
			s.served(other)
			if got := s.sealedBy(s.grant); got != step.key {
				t.Errorf("generation %d is sealed with %q, want %q", generation, got, step.key)
			}
			s.ends(ending{posts: int(generation) - 1, generation: generation})
		}
	})
}

// A row sealed with a key that is not at hand is left as it is, and serves
// again once the key is back.
func TestScenario40_KeyIsUnknown(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]func(*scene, *keyring) *Grant{
		"key removed": func(s *scene, k *keyring) *Grant { k.set('b', "b"); return s.grant },
		"no Sealer":   func(s *scene, _ *keyring) *Grant { return s.process(s.store).Grant(s.grant.ID()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				keys := newKeyring('a', "a")
				s.app = s.processWith(s.store, keys)
				s.grant = s.signIn()
				before := s.row(s.grant).Version
				g := lost(s, keys)
				s.expire()
				for range 3 {
					for _, err := range []error{second(g.Token(t.Context())), second(g.Refresh(t.Context()))} {
						if !errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrNeedsReauth) || errors.Is(err, ErrCorruptRow) {
							t.Error(err)
						}
					}
					time.Sleep(time.Minute)
				}
				s.ends(ending{generation: 1})
				if s.row(s.grant).Version != before {
					t.Error("the row was written")
				}
				if err := g.Revoke(t.Context()); !errors.Is(err, ErrUnknownKey) {
					t.Error("signing out:", err)
				}
				keys.set('b', "ab")
				if err := s.grant.Revoke(t.Context()); err != nil {
					t.Error("signing out with the key:", err)
				}
				s.ends(ending{generation: 1, state: StateTombstone, reason: ReasonConfirmed})
			})
		})
	}
	t.Run("heals", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			keys := newKeyring('a', "a")
			s.app = s.processWith(s.store, keys)
			s.grant = s.signIn()
			s.served(s.grant)
			keys.set('b', "b")
			s.served(s.grant) // the access token at hand needs no key
			s.expire()
			if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrUnknownKey) {
				t.Error(err)
			}
			keys.set('b', "ab")
			s.served(s.grant)
			s.ends(ending{posts: 1, generation: 2})
			if got := s.sealedBy(s.grant); got != 'b' {
				t.Errorf("sealed with %q", got)
			}
		})
	})
}

// Who can write to the store can put a sealed row in another's place.
func TestScenario40_RowsAreSwapped(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(s *scene, row *Row){
		"another grant's": func(s *scene, row *Row) { row.Sealed = s.row(s.signIn()).Sealed },
		"an older generation's": func(s *scene, row *Row) {
			old := row.Sealed
			s.expire()
			s.served(s.grant)
			*row = s.row(s.grant)
			row.Sealed = old
		},
		"another application's": func(s *scene, row *Row) {
			sealed, err := s.app.seal(rowAAD("another", row.GrantID, row.Generation), []byte(`{"refresh":"x"}`))
			if err != nil {
				s.Fatal(err)
			}
			row.Sealed = sealed
		},
		"tampered":  func(_ *scene, row *Row) { row.Sealed[len(row.Sealed)-1]++ },
		"truncated": func(_ *scene, row *Row) { row.Sealed = row.Sealed[:len(row.Sealed)/2] },
		"plain":     func(_ *scene, row *Row) { row.Sealed = []byte(`0{"refresh":"an-attackers"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				s.app = s.processWith(s.store, newKeyring('a', "a"))
				s.grant = s.signIn()
				row := s.row(s.grant)
				forge(s, &row)
				forged, err := s.store.MemoryStore.Swap(t.Context(), row.Version, row)
				if err != nil {
					t.Fatal(err)
				}
				want := ErrCorruptRow
				if name == "plain" {
					want = ErrUnsealed
				}
				posts := s.emu.Log().TokenPOSTs("refresh_token")
				g := s.processWith(s.store, newKeyring('a', "a")).Grant(s.grant.ID())
				s.expire()
				for _, get := range []func(context.Context) error{
					func(ctx context.Context) error { return second(g.Token(ctx)) },
					func(ctx context.Context) error { return second(g.Refresh(ctx)) },
				} {
					if err := get(t.Context()); !errors.Is(err, want) || errors.Is(err, ErrNeedsReauth) {
						t.Error(err)
					}
				}
				s.ends(ending{posts: posts, generation: row.Generation})
				if s.row(s.grant).Version != forged.Version {
					t.Error("the row was written")
				}
			})
		})
	}
}

// What a failover made the store forget is written back under the key of today.
func TestScenario40_ForgottenRowIsSealedAnew(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		keys := newKeyring('a', "a")
		s.app = s.processWith(s.store, keys)
		s.grant = s.signIn()
		s.rotatedAndRestored(t)
		keys.set('b', "ab")
		s.served(s.grant) // and looks at the store
		synctest.Wait()
		s.ends(ending{posts: 1, generation: 2})
		if got := s.sealedBy(s.grant); got != 'b' {
			t.Errorf("it is sealed with %q", got)
		}
		s.expire()
		s.lives()
	})
}

// A key that is not at hand takes no token away that is: another process has
// rotated under it, and this one goes on until its own token expires.
func TestScenario40_AnotherProcessHasTheKey(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		mine, theirs := newKeyring('a', "a"), newKeyring('b', "ab")
		s.app = s.processWith(s.store, mine)
		s.grant = s.signIn()
		s.served(s.grant)
		time.Sleep(time.Minute)
		if _, err := s.processWith(s.store.MemoryStore, theirs).Grant(s.grant.ID()).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 10 { // it looks at the row meanwhile
			time.Sleep(time.Minute)
			s.served(s.grant)
		}
		s.expire()
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrUnknownKey) {
			t.Error(err)
		}
		mine.set('a', "ab")
		s.served(s.grant)
		s.lives()
	})
}

// Where nothing can be sealed, nothing is sent; where that shows only after the
// rotation, the token waits.
func TestScenario40_SealingFails(t *testing.T) {
	t.Parallel()
	t.Run("before sending", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			keys := newKeyring('a', "a")
			s.app = s.processWith(s.store, keys)
			s.grant = s.signIn()
			s.expire()
			keys.set('b', "ab")
			keys.fail(errCut)
			if err := second(s.grant.Token(t.Context())); !errors.Is(err, errCut) || errors.Is(err, ErrNeedsReauth) {
				t.Error(err)
			}
			s.ends(ending{generation: 1})
			keys.fail(nil)
			time.Sleep(time.Minute)
			s.served(s.grant)
			s.ends(ending{posts: 1, generation: 2})
		})
	})
	t.Run("after the rotation", func(t *testing.T) {
		t.Parallel()
		play(t, func(t *testing.T, s *scene) {
			keys := newKeyring('a', "a")
			s.app = s.processWith(s.store, keys)
			s.grant = s.signIn()
			rotated := make(chan struct{})
			s.fault(slowAnswer(5*time.Second, rotated))
			s.expire()
			got := make(chan error, 1)
			go func() { got <- second(s.grant.Token(t.Context())) }()
			<-rotated
			keys.fail(errCut)
			time.Sleep(time.Hour)
			synctest.Wait()
			s.ends(ending{posts: 1, generation: 1})
			keys.fail(nil)
			if err := <-got; err != nil {
				t.Error("who waited:", err)
			}
			s.served(s.grant)
			s.lives()
		})
	})
}

// The row that announces a refresh is sealed anew by the same write, so that
// one that is refused for good does not stay behind under the old key.
func TestIntentSealsAnew(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		keys := newKeyring('a', "a")
		s.app = s.processWith(s.store, keys)
		s.grant = s.signIn()
		s.expire()
		keys.set('b', "ab")
		s.fault(emulator.Fault{Kind: emulator.Drop})
		s.store.set(func(int, Row) (bool, error) { return true, nil })
		if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrInDoubt) {
			t.Error(err)
		}
		if got := s.sealedBy(s.grant); got != 'b' || s.store.swaps != 1 {
			t.Errorf("sealed with %q after %d writes, want b after one", got, s.store.swaps)
		}
		keys.set('b', "b")
		time.Sleep(time.Minute)
		s.served(s.grant)
	})
}

// panickySealer panics once it is told.
type panickySealer struct {
	*keyring
	seal, open atomic.Bool
}

func (p *panickySealer) Seal(plain, additional []byte) ([]byte, error) {
	if p.seal.CompareAndSwap(true, false) {
		panic(string(plain))
	}
	return p.keyring.Seal(plain, additional)
}

func (p *panickySealer) Open(sealed, additional []byte) ([]byte, bool, error) {
	if p.open.CompareAndSwap(true, false) {
		panic("a bug")
	}
	return p.keyring.Open(sealed, additional)
}

// A Sealer that panics at the commit is one that fails: the pair waits.
func TestScenario40_SealingPanics(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		sealer := &panickySealer{keyring: newKeyring('a', "a")}
		s.app = s.processWith(s.store, sealer)
		s.grant = s.signIn()
		s.expire()
		sealer.seal.Store(true) // no Seal comes before the commit's
		s.served(s.grant)
		s.ends(ending{posts: 1, generation: 2})
		s.lives()

		s.app.grants.forget(s.grant.live(), s.grant.live().current.Load())
		sealer.open.Store(true)
		if _, err := s.grant.Token(t.Context()); !errors.Is(err, ErrCorruptRow) || !errors.Is(err, errSealerPanicked) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		s.served(s.grant)
	})
}

// So it is where a sign-in in a cookie is sealed: the panic, which a server
// would log, may say what it was.
func TestSealingACookiePanics(t *testing.T) {
	t.Parallel()
	sealer := &panickySealer{keyring: newKeyring('a', "a")}
	a := appOver(t, newFakeProvider(), NewMemoryStore(), func(c *Config) { c.Sealer, c.FlowsInCookies = sealer, true })
	cookie, err := a.sealFlow("state", a.newFlowSecrets(LoginOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	sealer.seal.Store(true)
	if _, err := a.sealFlow("state", a.newFlowSecrets(LoginOptions{})); !errors.Is(err, ErrSignInFailed) || !errors.Is(err, errSealerPanicked) {
		t.Error(err)
	}
	sealer.open.Store(true)
	if _, err := a.openFlow(t.Context(), "state", cookie); !errors.Is(err, ErrStateUnknown) || !errors.Is(err, errSealerPanicked) {
		t.Error(err)
	}
	if _, err := a.openFlow(t.Context(), "state", cookie); err != nil { // which a try that came to nothing does not use up
		t.Error(err)
	}
}
