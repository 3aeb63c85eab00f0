//go:build unix

package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// checkPrivate refuses what users other than the owner may use.
func checkPrivate(path string, info fs.FileInfo) error {
	if open := info.Mode().Perm() &^ dirMode; open != 0 {
		return fmt.Errorf("%s is accessible to other users (mode %04o); make it private with chmod go= and revoke what they may have read", path, info.Mode().Perm())
	}
	return nil
}

// fileNumber tells a file from its copy.
func fileNumber(f *os.File) (uint64, error) {
	var st unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &st)
	return st.Ino, err
}

func syncDir(d *os.File) error { return d.Sync() }

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
