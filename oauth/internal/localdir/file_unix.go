//go:build unix

package localdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// CheckPrivate refuses what users other than the owner may use.
func CheckPrivate(path string, info fs.FileInfo) error {
	if open := info.Mode().Perm() &^ DirMode; open != 0 {
		return fmt.Errorf("%s is accessible to other users (mode %04o); make it private with chmod go= and revoke what they may have read", path, info.Mode().Perm())
	}
	return nil
}

// FileNumber tells a file from its copy. It does not open the file: closing it
// would end the POSIX locks that this process holds on it.
func FileNumber(path string) (uint64, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return st.Ino, err
}

// Sync makes the names in a directory durable.
func Sync(d *os.File) error { return d.Sync() }

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
