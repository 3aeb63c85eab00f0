package filestore

import "os"

// preallocate gives f at least size bytes of the disk for good. NTFS writes
// over a file's data in place.
func preallocate(f *os.File, size int64) error { return fill(f, size) }
