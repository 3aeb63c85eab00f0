package storetest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

func testCreate(t *testing.T, s oauth.Store) {
	id := oauth.NewGrantID()
	_, err := s.Load(t.Context(), id)
	wantError(t, "Load before creation", err, oauth.ErrNoGrant)

	stored := create(t, s, sample(id))
	if stored.Version == "" {
		t.Error("Swap returned no version")
	}
	loaded := load(t, s, id)
	if loaded.Version != stored.Version {
		t.Errorf("Load has version %q, Swap returned %q", loaded.Version, stored.Version)
	}

	_, err = s.Swap(t.Context(), "", sample(id))
	wantError(t, "creating it again", err, oauth.ErrConflict)
	_, err = s.Swap(t.Context(), stored.Version, sample(oauth.NewGrantID()))
	wantError(t, "replacing a row that is not there", err, oauth.ErrConflict)
}

func testReplace(t *testing.T, s oauth.Store) {
	first := create(t, s, sample(oauth.NewGrantID()))
	next := first
	next.Generation, next.Intent, next.Sealed = 7, nil, []byte("next")
	second := swap(t, s, first.Version, next)
	if second.Version == first.Version {
		t.Error("the version did not change")
	}
	if d := diff(next, load(t, s, first.GrantID)); d != "" {
		t.Errorf("stored (-want +got):\n%s", d)
	}
}

func testConflict(t *testing.T, s oauth.Store) {
	first := create(t, s, sample(oauth.NewGrantID()))
	second := swap(t, s, first.Version, first)
	for name, old := range map[string]oauth.Version{"stale": first.Version, "zero": "", "made up": "x"} {
		other := first
		other.Sealed = []byte("must not be stored")
		_, err := s.Swap(t.Context(), old, other)
		wantError(t, name+" version", err, oauth.ErrConflict)
		if errors.Is(err, oauth.ErrUnknown) {
			t.Errorf("%s version: a conflict is no unknown outcome: %v", name, err)
		}
	}
	elsewhere := second
	elsewhere.StoreRun, elsewhere.Sealed = "before a failover", []byte("must not be stored")
	_, err := s.Swap(t.Context(), second.Version, elsewhere)
	wantError(t, "a row read under another run of the store", err, oauth.ErrConflict)
	got := load(t, s, first.GrantID)
	if got.Version != second.Version || diff(second, got) != "" {
		t.Error("a conflict changed the row")
	}
}

func testEveryField(t *testing.T, s oauth.Store) {
	want := sample(oauth.NewGrantID())
	if d := diff(want, create(t, s, want)); d != "" {
		t.Errorf("Swap returned (-want +got):\n%s", d)
	}
	if d := diff(want, load(t, s, want.GrantID)); d != "" {
		t.Errorf("Load returned (-want +got):\n%s", d)
	}
	// Times of another zone, and with a monotonic reading, are the same instants.
	want.Expiry, want.RefreshIssued = time.Now(), want.RefreshIssued.In(time.FixedZone("", 3*3600))
	stored := swap(t, s, load(t, s, want.GrantID).Version, want)
	want.Expiry = want.Expiry.Round(0)
	stored.Expiry = stored.Expiry.Round(0)
	if d := diff(want, stored); d != "" {
		t.Errorf("times (-want +got):\n%s", d)
	}
}

func testZeroFields(t *testing.T, s oauth.Store) {
	want := oauth.Row{GrantID: oauth.NewGrantID(), App: "1", State: oauth.StateActive}
	create(t, s, want)
	if d := diff(want, load(t, s, want.GrantID)); d != "" {
		t.Errorf("stored (-want +got):\n%s", d)
	}
}

func testSealed(t *testing.T, s oauth.Store) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	random := make([]byte, 64<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	row := sample(oauth.NewGrantID())
	var version oauth.Version
	// Up, down and up again: a store that reuses space must not mix them.
	for _, sealed := range [][]byte{all, random, {0}, nil, random[:1000], random, all} {
		for _, in := range []*oauth.Intent{{ID: "i"}, nil} {
			row.Sealed, row.Intent = sealed, in
			version = swap(t, s, version, row).Version
			if got := load(t, s, row.GrantID); !bytes.Equal(got.Sealed, sealed) {
				t.Fatalf("%d sealed bytes came back as %d others", len(sealed), len(got.Sealed))
			}
		}
	}
}

func testDeepCopies(t *testing.T, s oauth.Store) {
	want := sample(oauth.NewGrantID())
	given := sample(want.GrantID)
	returned := create(t, s, given)
	loaded := load(t, s, want.GrantID)
	for name, row := range map[string]oauth.Row{"given to Swap": given, "returned by Swap": returned, "returned by Load": loaded} {
		row.Sealed[0]++
		row.Intent.ID = "changed"
		if d := diff(want, load(t, s, want.GrantID)); d != "" {
			t.Fatalf("changing the row %s changed the stored one (-want +got):\n%s", name, d)
		}
	}
	for row, err := range s.Find(t.Context(), oauth.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		row.Sealed[0]++
		row.Intent.ID = "changed"
	}
	if d := diff(want, load(t, s, want.GrantID)); d != "" {
		t.Errorf("changing a row of Find changed the stored one (-want +got):\n%s", d)
	}
}

func testClock(t *testing.T, s oauth.Store) {
	row := sample(oauth.NewGrantID())
	row.Now, row.StoreRun = time.Unix(1, 0), "not the store's"
	last := create(t, s, row)
	if last.StoreRun == "" || last.StoreRun == row.StoreRun {
		t.Errorf("StoreRun is %q", last.StoreRun)
	}
	if last.Now.IsZero() || last.Now.Equal(row.Now) {
		t.Errorf("Now is %v", last.Now)
	}
	for range 20 {
		next := load(t, s, row.GrantID)
		if next.Now.Before(last.Now) {
			t.Errorf("Now went back from %v to %v", last.Now, next.Now)
		}
		if next.StoreRun != last.StoreRun {
			t.Errorf("StoreRun changed from %q to %q", last.StoreRun, next.StoreRun)
		}
		last = next
	}
	if last.RunID != row.RunID {
		t.Errorf("RunID is %q, want %q: only the caller changes it", last.RunID, row.RunID)
	}
}

func testDelete(t *testing.T, s oauth.Store) {
	ctx := t.Context()
	first := create(t, s, sample(oauth.NewGrantID()))
	other := create(t, s, sample(oauth.NewGrantID()))
	second := swap(t, s, first.Version, first)
	wantError(t, "deleting a stale version", s.Delete(ctx, first.GrantID, first.Version), oauth.ErrConflict)
	load(t, s, first.GrantID)
	if err := s.Delete(ctx, first.GrantID, second.Version); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	_, err := s.Load(ctx, first.GrantID)
	wantError(t, "Load after deletion", err, oauth.ErrNoGrant)
	wantError(t, "deleting again", s.Delete(ctx, first.GrantID, second.Version), oauth.ErrNoGrant)
	_, err = s.Swap(ctx, second.Version, first)
	wantError(t, "replacing a deleted row", err, oauth.ErrConflict)
	load(t, s, other.GrantID)
}

func testVersionsDoNotRepeat(t *testing.T, s oauth.Store) {
	var versions []oauth.Version
	row := sample(oauth.NewGrantID())
	for range 5 {
		var version oauth.Version
		for range 5 {
			version = swap(t, s, version, row).Version
			versions = append(versions, version)
		}
		if err := s.Delete(t.Context(), row.GrantID, version); err != nil {
			t.Fatal(err)
		}
	}
	unique(t, "versions", versions, func(v oauth.Version) string { return string(v) })
}

func testInvalidGrantID(t *testing.T, s oauth.Store) {
	for _, id := range []oauth.GrantID{"", "..", "../../etc/passwd", "A", oauth.NewGrantID() + "/", "nul\x00"} {
		if _, err := s.Swap(t.Context(), "", sample(id)); err == nil {
			t.Errorf("a row of grant id %q was stored", id)
		} else {
			wantError(t, string(id), err, oauth.ErrNotWritten)
		}
		_, err := s.Load(t.Context(), id)
		wantError(t, string(id), err, oauth.ErrNoGrant)
	}
}

func testCanceled(t *testing.T, s oauth.Store) {
	row := create(t, s, sample(oauth.NewGrantID()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Load(ctx, row.GrantID)
	wantError(t, "Load", err, context.Canceled)
	_, err = s.Swap(ctx, row.Version, row)
	wantError(t, "Swap", err, context.Canceled)
	wantError(t, "Delete", s.Delete(ctx, row.GrantID, row.Version), context.Canceled)
	_, err = s.ClaimDue(ctx, 1, time.Minute)
	wantError(t, "ClaimDue", err, context.Canceled)
	err = nil
	for _, err = range s.Find(ctx, oauth.Query{}) {
	}
	wantError(t, "Find", err, context.Canceled)
	if got := load(t, s, row.GrantID); got.Version != row.Version {
		t.Error("a canceled operation changed the row")
	}
}
