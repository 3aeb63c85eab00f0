package localdir

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// CheckPrivate leaves access to the directory's access list: the mode bits
// that Go shows on Windows say nothing of other users.
func CheckPrivate(string, fs.FileInfo) error { return nil }

// FileNumber tells a file from its copy.
func FileNumber(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var info windows.ByHandleFileInformation
	err = windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info)
	return uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow), err
}

// Sync does nothing: NTFS keeps a journal of names and cannot flush a
// directory opened for reading.
func Sync(*os.File) error { return nil }

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
