package filestore

import "os"

// fill takes space the plain way: zeros on the disk, to be written over.
func fill(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	if _, err := f.WriteAt(make([]byte, size-info.Size()), info.Size()); err != nil {
		return err
	}
	return f.Sync() // or the disk may turn out to be full only later
}
