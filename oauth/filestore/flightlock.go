package filestore

import (
	"context"
	"fmt"

	"github.com/rblx-go/opencloud/oauth"
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
	l := &lock{root: s.root, name: rowName(id) + flightSuffix}
	ok, err := l.try()
	if err != nil {
		_ = l.close()
		return nil, s.notWritten(err)
	}
	if !ok {
		_ = l.close()
		return nil, fmt.Errorf("filestore: grant %s: %w", id, oauth.ErrFlightLocked)
	}
	return func() {
		// Closing alone leaves it held by a child that is just being started,
		// until its exec closes the file there.
		_ = unlockFile(l.file)
		_ = l.close()
	}, nil
}
