package localdir

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkLocal refuses file systems that other machines stand behind.
func checkLocal(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	if st.Flags&unix.MNT_LOCAL == 0 {
		return fmt.Errorf("it is on a network file system (%s)", unix.ByteSliceToString(st.Fstypename[:]))
	}
	return nil
}
