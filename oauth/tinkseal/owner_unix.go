//go:build unix

package tinkseal

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives w the owner of the file it is to replace: what root changes
// must stay readable for the service that it belongs to.
func keepOwner(w *os.File, old fs.FileInfo) error {
	st, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() {
		return nil
	}
	return w.Chown(int(st.Uid), int(st.Gid))
}
