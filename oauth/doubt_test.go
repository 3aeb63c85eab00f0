package oauth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// A request that was given up may still arrive: after the probe that won, where
// it passes for a thief's. The loss is then our own doing, and is recorded as
// such for the generation that came of the probe, but not for the one after it.
func TestTheDoubtOfAGenerationIsItsSuccessorsToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refreshes int // after the probe, before the late request
		want      ending
	}{
		"its successor":      {0, ending{posts: 3, reuses: 1, generation: 2, state: StateNeedsReauth, reason: ReasonLostInFlight}},
		"the one after that": {1, ending{posts: 4, reuses: 1, generation: 3, state: StateNeedsReauth, reason: ReasonRevoked}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(t *testing.T, s *scene) {
				var late *http.Request
				base := s.via
				s.via = roundTrip(func(r *http.Request) (*http.Response, error) {
					if late != nil {
						return base.RoundTrip(r)
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					late = r.Clone(t.Context())
					late.Body = io.NopCloser(bytes.NewReader(body))
					return nil, io.ErrUnexpectedEOF
				})
				s.expire()
				if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrInDoubt) {
					t.Error(err)
				}
				s.expire()
				s.served(s.grant) // by the probe
				for range c.refreshes {
					s.expire()
					s.served(s.grant)
				}
				resp, err := base.RoundTrip(late)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				s.expire()
				if err := second(s.grant.Token(t.Context())); !errors.Is(err, ErrNeedsReauth) {
					t.Error(err)
				}
				s.ends(c.want)
			})
		})
	}
}
