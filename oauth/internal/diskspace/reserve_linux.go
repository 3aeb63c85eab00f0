package diskspace

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate gives f size bytes of the disk, of which it has held so far.
func allocate(f *os.File, _, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
		if !errors.Is(err, unix.EINTR) {
			return err // EOPNOTSUPP is an errors.ErrUnsupported
		}
	}
}
