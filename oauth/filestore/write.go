package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/diskspace"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

const (
	spareSuffix = ".spare"
	// spareExtra is how much longer than twice the row a commit may be: tokens
	// grow, by a claim or so.
	spareExtra = 8 << 10
)

// replace puts data into the file name of dir, by way of the file from: a new
// one, or space reserved before. A crash leaves the old content or the new.
func (s *Store) replace(dir, name, from string, data []byte) error {
	if err := s.writeFile(from, data); err != nil {
		if len(from) < len(spareSuffix) || from[len(from)-len(spareSuffix):] != spareSuffix {
			_ = s.root.Remove(from) // gives the space back
		}
		return s.notWritten(err)
	}
	// From here on the new content may be in place, whatever goes wrong.
	if err := s.step("rename", func() error { return s.root.Rename(from, name) }); err != nil {
		return fmt.Errorf("filestore: %s: %w: %w", s.dir, oauth.ErrUnknown, err)
	}
	return s.flush(dir)
}

// writeFile writes over a file without freeing its space first. What stands
// behind data is ignored by decodeFile.
func (s *Store) writeFile(name string, data []byte) error {
	return s.step("write", func() error {
		f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE, localdir.FileMode)
		if err != nil {
			return err
		}
		if err := s.checkFile(name, f); err != nil {
			return errors.Join(err, f.Close())
		}
		if _, err := f.WriteAt(data, 0); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Sync(); err != nil {
			return errors.Join(err, f.Close())
		}
		return f.Close()
	})
}

// reserve makes sure that a file has room for the successor of size bytes.
func (s *Store) reserve(name string, size int) error {
	return s.step("reserve", func() error {
		f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE, localdir.FileMode)
		if err != nil {
			return err
		}
		if err := s.checkFile(name, f); err != nil {
			return errors.Join(err, f.Close())
		}
		err = diskspace.Reserve(f, int64(2*size+spareExtra))
		if errors.Is(err, errors.ErrUnsupported) {
			err = diskspace.Fill(f, int64(2*size+spareExtra))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("reserving space for the next tokens: %w", err), f.Close(), s.root.Remove(name))
		}
		return f.Close()
	})
}

// flush makes the names in dir durable.
func (s *Store) flush(dir string) error {
	err := s.step("flush", func() error {
		d, err := s.root.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(localdir.Sync(d), d.Close())
	})
	if err != nil {
		return fmt.Errorf("filestore: %s: %w: %w", s.dir, oauth.ErrUnknown, err)
	}
	return nil
}

func (s *Store) step(name string, do func() error) error {
	if s.hook != nil {
		if err := s.hook(name); err != nil {
			return err
		}
	}
	return do()
}

// openFile opens a file for reading after checking that it is ours alone.
func (s *Store) openFile(name string) (*os.File, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	if err := s.checkFile(name, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// checkFile refuses links and what other users may read or write.
func (s *Store) checkFile(name string, f *os.File) error {
	opened, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := s.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Replaced or deleted since it was opened: what was opened is a file as it was.
	case err != nil:
		return err
	case !named.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file; remove it", s.path(name))
	}
	return localdir.CheckPrivate(s.path(name), opened)
}

// notWritten marks err as one after which nothing has changed, and says what
// to do about it.
func (s *Store) notWritten(err error) error {
	return fmt.Errorf("filestore: %s: %w: %w%s", s.dir, oauth.ErrNotWritten, err, localdir.Advice(err))
}
