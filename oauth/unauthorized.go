package oauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// A 401 is no reason to rotate by itself: Roblox says it for a missing scope
// too, and each needless rotation puts the grant at risk once more.
const (
	refusalAge      = 30 * time.Second // younger tokens are not to blame
	refusalInterval = 5 * time.Minute  // between rotations for a refusal, in all processes
)

// errNotRenewed: the refused token is still the best there is.
var errNotRenewed = errors.New("the token was renewed for a refusal only lately")

// refusesToken reports whether an API says that the token is at fault (RFC
// 6750 section 3.1), rather than what was asked with it.
func refusesToken(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if strings.Contains(strings.ReplaceAll(challenge, `"`, ""), "error=invalid_token") {
			return true
		}
	}
	return false
}

// again sends a refused request once more if there is a newer token and the
// body can be had again. Otherwise the refusal stands. It is an error if the
// grant turns out to be dead.
func (t *Transport) again(r *http.Request, resp *http.Response, g *Grant, used *snapshot) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		g.live().renewLater(r.Context(), used)
		return resp, nil
	}
	snap, err := g.live().renewed(r.Context(), used)
	switch {
	case errors.Is(err, ErrNeedsReauth):
		_ = resp.Body.Close() // the error says more than the response
		return nil, err
	case err != nil:
		return resp, nil //nolint:nilerr // the refusal stands
	}
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return resp, nil //nolint:nilerr // the refusal stands
		}
		replay := *r
		replay.Body = body
		r = &replay
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	_ = resp.Body.Close()
	return transport.SendWithHeader(t.base(), r, "Authorization", snap.header())
}

// renewed returns a token newer than one that an API has refused: another
// process's, whose rotation may have ended the one at hand, or the answer of a
// refresh, at most once in refusalInterval and for no young token.
func (s *grantState) renewed(ctx context.Context, used *snapshot) (*snapshot, error) {
	if cur := s.current.Load(); cur != nil && cur.generation > used.generation && !cur.expiredAt.passed(time.Now()) {
		return cur, nil
	}
	return s.newer(ctx, aim{known: used.generation, past: true, refusal: true})
}

// leaveIt reports whether there is nothing to do about a refusal of the token
// in row: it is young, and nobody is replacing it.
func leaveIt(row Row, wall time.Time) bool {
	return row.Intent == nil && wall.Sub(row.RefreshIssued) < refusalAge
}

// renewLater does the same for whoever comes next.
func (s *grantState) renewLater(ctx context.Context, used *snapshot) {
	cur := s.current.Load()
	if cur != nil && cur.generation == used.generation && time.Since(used.issued) >= refusalAge {
		_, _ = s.join(ctx, aim{known: used.generation, past: true, refusal: true}) // ErrClosed needs no answer
	}
}
