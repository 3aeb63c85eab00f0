package filestore

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// checkPrivate leaves access to the directory's access list: the mode bits
// that Go shows on Windows say nothing of other users.
func checkPrivate(string, fs.FileInfo) error { return nil }

// fileNumber tells a file from its copy.
func fileNumber(f *os.File) (uint64, error) {
	var info windows.ByHandleFileInformation
	err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info)
	return uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow), err
}

// syncDir does nothing: NTFS keeps a journal of names and cannot flush a
// directory opened for reading.
func syncDir(*os.File) error { return nil }

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
