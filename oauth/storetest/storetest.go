// Package storetest is what every oauth.Store and oauth.FlowStore must pass:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) oauth.Store { return open(t) })
//	}
//
// A store that passes keeps grants as package oauth needs it to: a swap has
// one winner, a version never comes back, and nothing is lost on the way. What
// a crash, a full disk or a failover leaves behind is each store's own to test.
package storetest

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rblx-go/opencloud/oauth"
)

// Precision is the coarsest that a store may keep times with.
const Precision = time.Microsecond

// Run tests a Store. open returns an empty one, to be closed by t.Cleanup;
// subtests call it in parallel.
func Run(t *testing.T, open func(t *testing.T) oauth.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, oauth.Store){
		"Create":              testCreate,
		"Replace":             testReplace,
		"Conflict":            testConflict,
		"EveryField":          testEveryField,
		"ZeroFields":          testZeroFields,
		"Sealed":              testSealed,
		"DeepCopies":          testDeepCopies,
		"Clock":               testClock,
		"Delete":              testDelete,
		"VersionsDoNotRepeat": testVersionsDoNotRepeat,
		"InvalidGrantID":      testInvalidGrantID,
		"Canceled":            testCanceled,
		"OneCreator":          testOneCreator,
		"OneWinner":           testOneWinner,
		"NoLostUpdate":        testNoLostUpdate,
		"Find":                testFind,
		"FindBreak":           testFindBreak,
		"FindWhileSwapping":   testFindWhileSwapping,
		"ClaimDue":            testClaimDue,
		"ClaimDueLease":       testClaimDueLease,
		"ClaimDueRace":        testClaimDueRace,
		"Model":               testModel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// sample is a row with every field set.
func sample(id oauth.GrantID) oauth.Row {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)
	return oauth.Row{
		GrantID:       id,
		App:           "7290610391231237934",
		Subject:       "156",
		Generation:    math.MaxInt64,
		State:         oauth.StateActive,
		Reason:        oauth.ReasonPending,
		Expiry:        at.Add(15 * time.Minute),
		RefreshIssued: at,
		Scope:         "openid profile \"ü\" \\ 名",
		Intent:        &oauth.Intent{ID: "intent-1", Base: math.MaxInt64 - 1, Deadline: at.Add(time.Second)},
		CommittedBy:   "intent-0",
		CommittedAt:   at.Add(time.Millisecond),
		DoubtGen:      math.MaxInt64 - 2,
		RunID:         "run",
		ForcedAt:      at.Add(-time.Hour),
		Sealed:        []byte{0, 1, 0xff, '\n', '"'},
	}
}

// create stores row as new.
func create(t testing.TB, s oauth.Store, row oauth.Row) oauth.Row {
	t.Helper()
	return swap(t, s, "", row)
}

func swap(t testing.TB, s oauth.Store, old oauth.Version, row oauth.Row) oauth.Row {
	t.Helper()
	stored, err := s.Swap(t.Context(), old, row)
	if err != nil {
		t.Fatalf("Swap: %v", err)
	}
	return stored
}

func load(t testing.TB, s oauth.Store, id oauth.GrantID) oauth.Row {
	t.Helper()
	row, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return row
}

// diff compares what was stored with what was meant to be, but for what the
// store fills in.
func diff(want, got oauth.Row) string {
	return cmp.Diff(want, got,
		cmpopts.IgnoreFields(oauth.Row{}, "Version", "Now", "StoreRun"),
		cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < Precision && a.IsZero() == b.IsZero() }),
		cmp.Comparer(bytes.Equal))
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want one that wraps %q", what, err, want)
	}
}

func unique[T comparable](t testing.TB, what string, all []T, key func(T) string) {
	t.Helper()
	keys := make([]string, len(all))
	for i, v := range all {
		keys[i] = key(v)
	}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != len(all) {
		t.Errorf("%s: %d are not all different", what, len(all))
	}
}
