package flock

import (
	"errors"
	"os"
)

// ErrHeld is what Try returns while another process or goroutine holds a lock.
var ErrHeld = errors.New("the lock is held")

// Try takes the lock on a file of that name without waiting, or returns
// ErrHeld. The file, and its directory, are made for it, and release removes
// the file; one that a dead process left behind is no obstacle.
func Try(root *os.Root, name string) (release func(), err error) {
	f := file{root: root, name: name}
	for {
		ok, err := f.try()
		switch {
		case err != nil:
			return nil, errors.Join(err, f.close())
		case ok:
			return f.release, nil
		case f.open != nil:
			return nil, errors.Join(ErrHeld, f.close())
		}
	}
}

// release removes the file before it unlocks it: whoever locks what is gone
// sees that it is (file.try), so that no two processes hold a name.
func (f *file) release() {
	if opened, err := f.open.Stat(); err == nil && f.names(opened) {
		_ = f.root.Remove(f.name) // an empty file left behind is no harm
	}
	// Closing alone would leave a file that could not be removed locked by a
	// child that is just being started, until its exec closes it there.
	_ = unlock(f.open)
	_ = f.close()
}
