package filestore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"time"

	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

// lock excludes the goroutines of this process by a channel and other
// processes by a lock on an open file, which ends with the process. The file
// is never renamed or removed: two processes would then lock two files.
type lock struct {
	root  *os.Root
	name  string // its directory is created on first use
	flush bool   // makes that directory durable
	turn  chan struct{}
	file  *os.File // nil until first used; guarded by turn
}

func newLock(root *os.Root, dir string) *lock {
	l := &lock{root: root, name: dir + "/lock", flush: true, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

// Waits between attempts; a lock is held for a few milliseconds.
const (
	firstPoll = 500 * time.Microsecond
	lastPoll  = 20 * time.Millisecond
)

// acquire waits for the lock, or for ctx. The operating system's own waiting
// cannot be called off, hence the polling.
func (l *lock) acquire(ctx context.Context) (release func(), err error) {
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
		_ = unlockFile(l.file) // closing the file, at the latest, does it
		l.turn <- struct{}{}
	}, nil
}

func (l *lock) poll(ctx context.Context) error {
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		ok, err := l.try()
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

func (l *lock) try() (bool, error) {
	if l.file == nil {
		if err := l.open(); err != nil {
			return false, err
		}
	}
	if ok, err := tryLockFile(l.file); !ok || err != nil {
		return false, err
	}
	held, err := l.file.Stat()
	if err != nil {
		return false, errors.Join(err, l.close())
	}
	if named, err := l.root.Lstat(l.name); err != nil || !os.SameFile(held, named) {
		return false, l.close() // somebody removed the file: lock its successor
	}
	return true, nil
}

func (l *lock) open() error {
	if err := l.root.MkdirAll(path.Dir(l.name), localdir.DirMode); err != nil {
		return err
	}
	f, err := l.root.OpenFile(l.name, os.O_RDWR|os.O_CREATE, localdir.FileMode)
	if err != nil {
		return err
	}
	l.file = f
	if !l.flush {
		return nil
	}
	return l.flushNames()
}

// flushNames makes the directory's own name durable, up to the store's root.
func (l *lock) flushNames() error {
	for dir := path.Dir(l.name); ; dir = path.Dir(dir) {
		d, err := l.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(localdir.Sync(d), d.Close()); err != nil || dir == "." {
			return err
		}
	}
}

func (l *lock) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
