package flock

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// Lock is a lock that is taken often and held for moments. Its file stays.
type Lock struct {
	file file          // guarded by turn
	turn chan struct{} // excludes the goroutines of this process
}

// New returns the lock on a file of that name. The file, and its directory, are
// made on first use, and the directory's name is flushed to the disk.
func New(root *os.Root, name string) *Lock {
	l := &Lock{file: file{root: root, name: name, flush: true}, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

// Waits between attempts; a lock is held for a few milliseconds.
const (
	firstPoll = 500 * time.Microsecond
	lastPoll  = 20 * time.Millisecond
)

// Acquire waits for the lock, or for ctx. The operating system's own waiting
// cannot be called off, hence the polling.
func (l *Lock) Acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-l.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := l.poll(ctx); err != nil {
		l.turn <- struct{}{}
		return nil, err
	}
	return func() {
		_ = unlock(l.file.open) // closing the file, at the latest, does it
		l.turn <- struct{}{}
	}, nil
}

func (l *Lock) poll(ctx context.Context) error {
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		ok, err := l.file.try()
		if ok || err != nil {
			return err
		}
		t := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("another process holds the lock: %w", ctx.Err())
		}
	}
}

// Close closes the file of a lock that nobody holds.
func (l *Lock) Close() error { return l.file.close() }
