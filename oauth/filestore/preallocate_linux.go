package filestore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// preallocate gives f at least size bytes of the disk for good.
func preallocate(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINTR) {
		return fill(f, size)
	}
	return err
}
