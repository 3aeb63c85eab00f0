package filestore

import (
	"context"
	"errors"
	"fmt"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/flock"
)

var _ oauth.FlightLocker = (*Store)(nil)

const flightSuffix = ".flight"

// LockFlight implements oauth.FlightLocker by a lock on an open file of the
// grant's own, which the operating system ends with the process.
func (s *Store) LockFlight(ctx context.Context, id oauth.GrantID) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !id.Valid() {
		return nil, fmt.Errorf("filestore: %w: %q is no grant id", oauth.ErrNoGrant, id)
	}
	release, err = flock.Try(s.root, rowName(id)+flightSuffix)
	switch {
	case errors.Is(err, flock.ErrHeld):
		return nil, fmt.Errorf("filestore: grant %s: %w", id, oauth.ErrFlightLocked)
	case err != nil:
		return nil, s.notWritten(err)
	}
	return release, nil
}
