//go:build unix

package diskspace

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reserve gives f, a file without holes, at least size bytes of the disk, also
// where it is shorter and stays so. It wraps errors.ErrUnsupported where the
// system or the file system cannot.
func Reserve(f *os.File, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	// Asking for what is there already would make the next flush slower, as a
	// change of the file that it has to wait for.
	held := st.Blocks * 512
	if held >= size {
		return nil
	}
	return allocate(f, held, size)
}
