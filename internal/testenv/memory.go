package testenv

import "os"

// InMemory is a directory for stores whose windows are half a second: a disk on
// which others write may take longer than that to flush. Where there is none in
// memory it is the usual one for temporary files.
func InMemory() string {
	const shared = "/dev/shm"
	probe, err := os.MkdirTemp(shared, "rblx")
	if err != nil {
		return os.TempDir()
	}
	if os.Remove(probe) != nil {
		return os.TempDir()
	}
	return shared
}
