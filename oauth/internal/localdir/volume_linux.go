package localdir

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkLocal refuses file systems that other machines, or programs of unknown
// make, stand behind.
func checkLocal(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	if name, ok := remoteFileSystem(uint32(st.Type)); ok {
		return fmt.Errorf("it is on a network file system (%s)", name)
	}
	return nil
}

func remoteFileSystem(kind uint32) (string, bool) {
	switch kind {
	case unix.NFS_SUPER_MAGIC:
		return "NFS", true
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "SMB", true
	case unix.V9FS_MAGIC:
		return "9p, as Windows drives are in WSL", true
	case unix.FUSE_SUPER_MAGIC:
		return "or a user's, FUSE", true
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph", true
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS", true
	case unix.CODA_SUPER_MAGIC:
		return "Coda", true
	case unix.OCFS2_SUPER_MAGIC:
		return "OCFS2", true
	case 0x0bd00bd0:
		return "Lustre", true
	case 0x01161970:
		return "GFS2", true
	}
	return "", false
}
