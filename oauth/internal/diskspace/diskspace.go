// Package diskspace takes space on the disk for a file before there is
// anything to write to it.
package diskspace

import "os"

// Fill makes f at least size bytes long by zeros on the disk, to be written
// over. It is for where Reserve is not supported.
func Fill(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	if _, err := f.WriteAt(make([]byte, size-info.Size()), info.Size()); err != nil {
		return err
	}
	return f.Sync() // or the disk may turn out to be full only later
}
