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
	if info.Mode().Perm()&^DirMode == 0 {
		return nil
	}
	advice := "make it private with chmod go="
	if info.IsDir() { // it may be /tmp
		advice = "choose a directory for this alone, or make this one private with chmod go=,"
	}
	return fmt.Errorf("%s is accessible to other users (mode %04o); %s and revoke what they may have read", path, info.Mode().Perm(), advice)
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
