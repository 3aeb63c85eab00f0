package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/flock"
)

var _ oauth.FlightLocker = (*Store)(nil)

// LockFlight implements oauth.FlightLocker by a lock on an open file beside the
// database, which the operating system ends with the process. A transaction
// would keep everybody else from writing, and a row would outlive its process.
func (s *Store) LockFlight(ctx context.Context, id oauth.GrantID) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !id.Valid() {
		return nil, fmt.Errorf("sqlitestore: %w: %q is no grant id", oauth.ErrNoGrant, id)
	}
	release, err = flock.Try(s.dir, s.file.Name()+"-flights/"+string(id))
	switch {
	case errors.Is(err, flock.ErrHeld):
		return nil, fmt.Errorf("sqlitestore: grant %s: %w", id, oauth.ErrFlightLocked)
	case err != nil:
		return nil, s.notWritten(err)
	}
	return release, nil
}
