package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// RunFlows tests a FlowStore. open returns an empty one, to be closed by
// t.Cleanup; subtests call it in parallel.
func RunFlows(t *testing.T, open func(t *testing.T) oauth.FlowStore) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, oauth.FlowStore){
		"Take":     testTake,
		"Unknown":  testFlowUnknown,
		"Binding":  testFlowBinding,
		"Expired":  testFlowExpired,
		"OneTaker": func(t *testing.T, s oauth.FlowStore) { raceTake(t, s) },
		"OneUser":  func(t *testing.T, s oauth.FlowStore) { raceUse(t, s) },
		"Copies":   testFlowCopies,
		"SameID":   testFlowSameID,
		"Canceled": testFlowCanceled,
		"Many":     testFlowMany,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// RunFlowsShared tests that two handles on the same flows, as two processes
// have them, give each flow out once.
func RunFlowsShared(t *testing.T, open func(t *testing.T) (a, b oauth.FlowStore)) {
	t.Helper()
	a, b := open(t)
	raceTake(t, a, b)
	raceUse(t, a, b)
}

func newFlow() oauth.Flow {
	return oauth.Flow{
		ID:      rand.Text(),
		Binding: rand.Text(),
		Expires: time.Now().Round(0).Add(10 * time.Minute),
		Sealed:  []byte{0, 0xff, '\n', 1},
	}
}

func put(t *testing.T, s oauth.FlowStore, f oauth.Flow) {
	t.Helper()
	if err := s.PutFlow(t.Context(), f); err != nil {
		t.Fatalf("PutFlow: %v", err)
	}
}

func testTake(t *testing.T, s oauth.FlowStore) {
	want := newFlow()
	put(t, s, want)
	got, err := s.TakeFlow(t.Context(), want.ID, want.Binding)
	if err != nil {
		t.Fatalf("TakeFlow: %v", err)
	}
	if got.ID != want.ID || got.Binding != want.Binding || !bytes.Equal(got.Sealed, want.Sealed) || got.Expires.Sub(want.Expires).Abs() >= Precision {
		t.Error("another flow came back than was put")
	}
	for range 2 {
		got, err = s.TakeFlow(t.Context(), want.ID, want.Binding)
		wantError(t, "taking it again", err, oauth.ErrFlowUsed)
		if got.Sealed != nil {
			t.Error("a used flow came back")
		}
	}
}

func testFlowUnknown(t *testing.T, s oauth.FlowStore) {
	for _, id := range []string{"", "..", "../x", "nul\x00", rand.Text()} {
		_, err := s.TakeFlow(t.Context(), id, "")
		wantError(t, id, err, oauth.ErrFlowUnknown)
	}
}

func testFlowBinding(t *testing.T, s oauth.FlowStore) {
	f := newFlow()
	put(t, s, f)
	for _, binding := range []string{"", "x", f.Binding + "x"} {
		_, err := s.TakeFlow(t.Context(), f.ID, binding)
		wantError(t, binding, err, oauth.ErrFlowBinding)
	}
	if _, err := s.TakeFlow(t.Context(), f.ID, f.Binding); err != nil {
		t.Errorf("after an attempt of another browser: %v", err)
	}
}

func testFlowExpired(t *testing.T, s oauth.FlowStore) {
	f := newFlow()
	f.Expires = time.Now().Add(-time.Second)
	put(t, s, f)
	for range 2 {
		_, err := s.TakeFlow(t.Context(), f.ID, f.Binding)
		wantError(t, "taking an expired flow", err, oauth.ErrFlowExpired)
	}
}

func raceTake(t *testing.T, stores ...oauth.FlowStore) {
	f := newFlow()
	put(t, stores[0], f)
	var took atomic.Int64
	race(racers, func(i int) {
		_, err := stores[i%len(stores)].TakeFlow(t.Context(), f.ID, f.Binding)
		switch {
		case err == nil:
			took.Add(1)
		case !errors.Is(err, oauth.ErrFlowUsed):
			t.Errorf("TakeFlow: %v", err)
		}
	})
	if took.Load() != 1 {
		t.Errorf("%d of %d took the flow", took.Load(), racers)
	}
}

// raceUse has everybody put a flow and take it, as processes do that mark a
// flow used which they did not store (oauth.Config.FlowsInCookies).
func raceUse(t *testing.T, stores ...oauth.FlowStore) {
	f := newFlow()
	f.Binding = f.ID
	var took atomic.Int64
	race(racers, func(i int) {
		s := stores[i%len(stores)]
		_ = s.PutFlow(t.Context(), f) // one succeeds
		_, err := s.TakeFlow(t.Context(), f.ID, f.Binding)
		switch {
		case err == nil:
			took.Add(1)
		case !errors.Is(err, oauth.ErrFlowUsed):
			t.Errorf("TakeFlow: %v", err)
		}
	})
	if took.Load() != 1 {
		t.Errorf("%d of %d used the flow", took.Load(), racers)
	}
}

func testFlowCopies(t *testing.T, s oauth.FlowStore) {
	f := newFlow()
	want := bytes.Clone(f.Sealed)
	put(t, s, f)
	f.Sealed[0]++
	got, err := s.TakeFlow(t.Context(), f.ID, f.Binding)
	if err != nil || !bytes.Equal(got.Sealed, want) {
		t.Errorf("changing the flow given to PutFlow changed the stored one (%v)", err)
	}
}

func testFlowSameID(t *testing.T, s oauth.FlowStore) {
	f := newFlow()
	put(t, s, f)
	other := newFlow()
	other.ID = f.ID
	if err := s.PutFlow(t.Context(), other); err == nil {
		t.Error("a flow replaced another of the same id")
	}
	if _, err := s.TakeFlow(t.Context(), f.ID, f.Binding); err != nil {
		t.Errorf("TakeFlow: %v", err)
	}
	if err := s.PutFlow(t.Context(), f); err == nil {
		t.Error("a flow came back after it was used")
	}
}

func testFlowCanceled(t *testing.T, s oauth.FlowStore) {
	f := newFlow()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "PutFlow", s.PutFlow(ctx, f), context.Canceled)
	_, err := s.TakeFlow(t.Context(), f.ID, f.Binding)
	wantError(t, "TakeFlow of what was not put", err, oauth.ErrFlowUnknown)
	put(t, s, f)
	_, err = s.TakeFlow(ctx, f.ID, f.Binding)
	wantError(t, "TakeFlow", err, context.Canceled)
	if _, err = s.TakeFlow(t.Context(), f.ID, f.Binding); err != nil {
		t.Errorf("after a canceled attempt: %v", err)
	}
}

func testFlowMany(t *testing.T, s oauth.FlowStore) {
	flows := make([]oauth.Flow, 100)
	for i := range flows {
		flows[i] = newFlow()
		put(t, s, flows[i])
	}
	for _, f := range flows {
		if got, err := s.TakeFlow(t.Context(), f.ID, f.Binding); err != nil || got.ID != f.ID {
			t.Fatalf("one of a hundred flows under way: %v", err)
		}
	}
}
