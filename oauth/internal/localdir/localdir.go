// Package localdir makes and checks directories that hold secrets of one user
// on one machine: private, on a local disk, and no symlink.
package localdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Modes of what stores create.
const (
	DirMode  fs.FileMode = 0o700
	FileMode fs.FileMode = 0o600
)

// Prepare returns dir as an absolute path after creating it, if need be, and
// checking it. It fails if dir is a symlink, accessible to other users, or on
// a network file system.
func Prepare(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, DirMode); err != nil {
		return "", fmt.Errorf("%w%s", err, Advice(err))
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is a symlink; name the directory itself", dir)
	}
	if err := CheckPrivate(dir, info); err != nil {
		return "", err
	}
	if err := checkLocal(dir); err != nil {
		return "", fmt.Errorf("%s: %w; choose a directory on a local disk", dir, err)
	}
	return dir, nil
}

// Advice is what to do about an error of the file system, to stand at the end
// of its message; empty where that is nothing in particular.
func Advice(err error) string {
	switch {
	case isFull(err):
		return "; free space on its disk"
	case errors.Is(err, syscall.EROFS):
		return "; its file system is read-only"
	case errors.Is(err, fs.ErrPermission):
		return "; make it and its files writable for the user who runs this program"
	}
	return ""
}
