// Package flock excludes other processes, and other goroutines, by locks on
// open files, which the operating system ends with the process that holds them.
package flock

import (
	"errors"
	"os"
	"path"

	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

// file is a lock file, opened on first use.
type file struct {
	root  *os.Root
	name  string // its directory is created on first use
	flush bool   // makes that directory durable
	open  *os.File
}

// try locks the file without waiting. Where the file was removed meanwhile it
// is not locked and not open: its successor is the one to lock.
func (f *file) try() (bool, error) {
	if f.open == nil {
		if err := f.create(); err != nil {
			return false, err
		}
	}
	if ok, err := tryLock(f.open); !ok || err != nil {
		return false, err
	}
	held, err := f.open.Stat()
	if err != nil {
		return false, errors.Join(err, f.close())
	}
	if !f.names(held) {
		return false, f.close()
	}
	return true, nil
}

// names reports whether the file still has its name.
func (f *file) names(opened os.FileInfo) bool {
	named, err := f.root.Lstat(f.name)
	return err == nil && os.SameFile(opened, named)
}

func (f *file) create() (err error) {
	if err := f.root.MkdirAll(path.Dir(f.name), localdir.DirMode); err != nil {
		return err
	}
	f.open, err = f.root.OpenFile(f.name, os.O_RDWR|os.O_CREATE, localdir.FileMode)
	if err != nil || !f.flush {
		return err
	}
	return f.flushNames()
}

// flushNames makes the directory's own name durable, up to the root.
func (f *file) flushNames() error {
	for dir := path.Dir(f.name); ; dir = path.Dir(dir) {
		d, err := f.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(localdir.Sync(d), d.Close()); err != nil || dir == "." {
			return err
		}
	}
}

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	return err
}
