package oauth

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Group B, on: sign-ins and sign-outs beside a refresh.

func TestScenario25_NewSignInDuringARefresh(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.app.config.OneGrantPerUser = true
		if err := s.app.setSubject(t.Context(), s.grant.ID(), "156"); err != nil {
			t.Fatal(err)
		}
		s.fault(emulator.Fault{After: true, Delay: 4 * time.Second})
		s.expire()
		refreshed := make(chan error, 1)
		go func() { refreshed <- second(s.grant.Token(t.Context())) }()
		synctest.Wait()
		anew := s.signIn()
		if err := s.app.setSubject(t.Context(), anew.ID(), "156"); err != nil {
			t.Fatal(err)
		}
		s.app.supersede(t.Context(), &Login{GrantID: anew.ID(), Subject: "156"})
		if err := <-refreshed; !errors.Is(err, ErrRevoked) {
			t.Error("the refresh of the old grant:", err)
		}
		time.Sleep(time.Minute)
		s.served(anew)
		s.ends(ending{posts: 1, generation: 1, state: StateTombstone, reason: ReasonConfirmed})
		if row := s.row(anew); row.State != StateActive || row.Generation != 1 {
			t.Errorf("the new grant is %s at generation %d", row.State, row.Generation)
		}
	})
}

// Two tabs finish their sign-ins at once: one of the two grants stays.
func TestScenario25_TwoSignInsAtOnce(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.app.config.OneGrantPerUser = true
		grants := []*Grant{s.grant, s.signIn(), s.signIn()}
		for _, g := range grants {
			if err := s.app.setSubject(t.Context(), g.ID(), "156"); err != nil {
				t.Fatal(err)
			}
			s.app.supersede(t.Context(), &Login{GrantID: g.ID(), Subject: "156"})
		}
		time.Sleep(time.Minute)
		active := 0
		for _, g := range grants {
			if s.row(g).State == StateActive {
				active++
				s.served(g)
			}
		}
		if active != 1 {
			t.Errorf("%d grants are left, want one", active)
		}
		if posts := s.emu.Log().TokenPOSTs("refresh_token"); posts != 0 {
			t.Errorf("%d refreshes", posts)
		}
	})
}

func TestScenario26_RevokeDuringARefresh(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		other := s.process(s.store).Grant(s.grant.ID())
		s.fault(emulator.Fault{After: true, Delay: 4 * time.Second})
		s.expire()
		refreshed := make(chan error, 1)
		go func() { refreshed <- second(s.grant.Token(t.Context())) }()
		synctest.Wait()
		if err := other.Revoke(t.Context()); err != nil {
			t.Error("Revoke:", err)
		}
		if err := <-refreshed; !errors.Is(err, ErrRevoked) {
			t.Error("the refresh:", err)
		}
		s.ends(ending{posts: 1, generation: 1, state: StateTombstone, reason: ReasonConfirmed})
		for _, g := range []*Grant{s.grant, other} {
			if err := second(g.Token(t.Context())); !errors.Is(err, ErrRevoked) {
				t.Error("afterwards:", err)
			}
		}
	})
}

// RFC 7009 section 2.2: 200 also for a token the provider does not know. So
// what is revoked must be the newest one.
func TestScenario27_RevokeJustAfterARotation(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.fault(emulator.Fault{After: true, Delay: 4 * time.Second})
		s.expire()
		go s.grant.Token(t.Context()) //nolint:errcheck // looked at in the row
		synctest.Wait()
		if err := s.grant.Revoke(t.Context()); err != nil {
			t.Error(err)
		}
		s.ends(ending{posts: 1, generation: 1, state: StateTombstone, reason: ReasonConfirmed})

		next := s.signIn()
		tok, err := next.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		fresh, err := next.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Revoke(t.Context()); err != nil {
			t.Error(err)
		}
		for _, access := range []string{tok.AccessToken, fresh.AccessToken} {
			if status := s.call(access); status != http.StatusUnauthorized {
				t.Errorf("after Revoke a token is answered %d", status)
			}
		}
	})
}

func TestScenario28_TwoSignInsOfOneAccount(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		phone := s.signIn()
		if phone.ID() == s.grant.ID() {
			t.Fatal("one id for two grants")
		}
		for range 3 {
			s.expire()
			s.served(s.grant)
			s.served(phone)
		}
		s.ends(ending{posts: 6, generation: 4})
		if err := phone.Revoke(t.Context()); err != nil {
			t.Error(err)
		}
		s.expire()
		s.served(s.grant)
		s.ends(ending{posts: 7, generation: 5})
	})
}
