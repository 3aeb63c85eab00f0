package filestore

import (
	"os"

	"golang.org/x/sys/unix"
)

// preallocate gives f at least size bytes of the disk for good. Zeros would
// not do on APFS, which writes over nothing in place.
func preallocate(f *os.File, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Blocks*512 >= size {
		return err
	}
	store := unix.Fstore_t{Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: size}
	if err := unix.FcntlFstore(f.Fd(), unix.F_PREALLOCATE, &store); err != nil {
		return fill(f, size)
	}
	return nil
}
