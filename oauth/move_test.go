package oauth

import "testing"

// Rows that are copied to another store go on there: as oauth/DEPLOY.md has it,
// after all processes have ended.
func TestMovingToAnotherStore(t *testing.T) {
	t.Parallel()
	play(t, func(t *testing.T, s *scene) {
		s.expire()
		s.served(s.grant)
		if err := s.app.Close(s.Context()); err != nil {
			t.Fatal(err)
		}
		to := NewMemoryStore()
		for row, err := range s.store.Find(s.Context(), Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			row.StoreRun = ""
			if _, err := to.Swap(s.Context(), "", row); err != nil {
				t.Fatal(err)
			}
		}

		g := s.process(to).Grant(s.grant.ID())
		s.served(g)
		if n := s.emu.Log().TokenPOSTs("refresh_token"); n != 1 {
			t.Errorf("%d refreshes, the live token was enough", n)
		}
		s.expire()
		s.served(g)
		info, err := g.Info(s.Context())
		if err != nil || info.State != StateActive || info.Generation != 3 {
			t.Errorf("%+v, %v", info, err)
		}
		if log := s.emu.Log(); log.TokenPOSTs("refresh_token") != 2 || len(log.Replays()) != 0 {
			t.Errorf("%d refreshes, replays %v", log.TokenPOSTs("refresh_token"), log.Replays())
		}
	})
}
