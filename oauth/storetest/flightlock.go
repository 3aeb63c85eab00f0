package storetest

import (
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

// testFlightLock is for stores that are an oauth.FlightLocker too. That a lock
// ends with its process is each store's own to test.
func testFlightLock(t *testing.T, stores ...oauth.Store) {
	locker, ok := stores[0].(oauth.FlightLocker)
	if !ok {
		t.Logf("%T is no oauth.FlightLocker", stores[0])
		return
	}
	lock := func(id oauth.GrantID) (release func()) {
		t.Helper()
		release, err := locker.LockFlight(t.Context(), id)
		if err != nil {
			t.Fatalf("LockFlight: %v", err)
		}
		return release
	}
	row := create(t, stores[0], sample(oauth.NewGrantID()))
	other := create(t, stores[0], sample(row.GrantID[:1]+oauth.NewGrantID()[1:])) // alike, for stores that shard
	for range 3 {
		release := lock(row.GrantID)
		for _, s := range stores {
			_, err := s.(oauth.FlightLocker).LockFlight(t.Context(), row.GrantID)
			wantError(t, "a second lock", err, oauth.ErrFlightLocked)
			row = swap(t, s, row.Version, row) // it is in no writer's way
		}
		lock(other.GrantID)()
		release()
	}
	release := lock(row.GrantID)
	if err := stores[1].Delete(t.Context(), row.GrantID, row.Version); err != nil {
		t.Error(err)
	}
	release()
	lock(row.GrantID)() // of a grant of that name to come
	_, err := locker.LockFlight(t.Context(), "../"+row.GrantID)
	wantError(t, "LockFlight with an invalid id", err, oauth.ErrNoGrant)
}
