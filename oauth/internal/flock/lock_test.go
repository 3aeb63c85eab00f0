package flock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestAcquire(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	a, b := New(root, "a/lock"), New(root, "a/lock") // as two processes have it
	for range 3 {
		for _, l := range []*Lock{a, b} {
			release, err := l.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
	}
	if err := errors.Join(a.Close(), b.Close(), a.Close()); err != nil {
		t.Error(err)
	}
}

// Nobody waits for longer than its context, whether the lock is held in this
// process or in another, and a waiting one gets it when it is free.
func TestAcquireWaits(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := New(root, "lock"), New(root, "lock")
		release, err := a.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []*Lock{a, b} {
			ctx, cancel := context.WithTimeout(t.Context(), 3*lastPoll)
			if _, err := l.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("while it is held: %v", err)
			}
			cancel()
			if _, err := l.Acquire(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with a context that has ended: %v", err)
			}
		}
		got := make(chan error)
		go func() {
			release, err := b.Acquire(t.Context())
			if err == nil {
				release()
			}
			got <- err
		}()
		synctest.Wait() // it polls
		release()
		if err := <-got; err != nil {
			t.Error(err)
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
}
