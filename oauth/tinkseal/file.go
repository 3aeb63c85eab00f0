package tinkseal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/rblx-go/opencloud/oauth"
)

// file is where a keyset is read from, again and again.
type file struct {
	path string

	mu     sync.Mutex // held while it is read and its keys are taken over
	seen   fs.FileInfo
	looked time.Time
}

// lookEvery is how long a change of the file may go unnoticed.
const lookEvery = 10 * time.Second

// Reload reads the file anew, now. After an error the old keyset stays. It is
// an error for a Sealer that was not made by Open.
func (s *Sealer) Reload() error {
	if s.file == nil {
		return errors.New("tinkseal: the keyset is from no file; Use replaces it")
	}
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	return s.reload()
}

// reload is Reload with the lock held.
func (s *Sealer) reload() error {
	s.file.looked = time.Now()
	h, info, err := readFile(s.file.path)
	if err == nil {
		err = s.use(h)
	}
	if err != nil {
		return fmt.Errorf("tinkseal: %s: %w", s.file.path, err)
	}
	s.file.seen = info
	return nil
}

// look reloads the file if it is another one than was read. The lock is held.
func (s *Sealer) look() error {
	f := s.file
	f.looked = time.Now()
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("tinkseal: %w", err)
	}
	if os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	return s.reload()
}

// follow returns the keys, after a look at the file every now and then. One
// that cannot be read changes nothing: the keys at hand are good.
func (s *Sealer) follow() *keys {
	if f := s.file; f != nil && f.mu.TryLock() { // else somebody is looking
		if time.Since(f.looked) >= lookEvery {
			_ = s.look() // what is wrong with the file shows when a key is missing
		}
		f.mu.Unlock()
	}
	return s.keys.Load()
}

// lookFor returns the keys with key id among them, which may have come into
// the file just now.
func (s *Sealer) lookFor(id uint32) (*keys, error) {
	unknown := fmt.Errorf("tinkseal: key %d: %w", id, oauth.ErrUnknownKey)
	if s.file == nil {
		return nil, unknown
	}
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	k := s.keys.Load()
	if k.has(id) {
		return k, nil
	}
	err := s.look()
	switch k = s.keys.Load(); {
	case k.has(id):
		return k, nil
	case err != nil:
		return nil, fmt.Errorf("%w, and the keyset cannot be read again: %w", unknown, err)
	}
	return nil, fmt.Errorf("%w: %s does not have it", unknown, s.file.path)
}

// readFile reads the keyset in a file that only its owner may read. The
// FileInfo is from before: if the file changes meanwhile, the next look sees it.
func readFile(path string) (*keyset.Handle, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if err := checkPrivate(info); err != nil {
		return nil, nil, err
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	defer r.Close()
	h, err := parse(r)
	return h, info, err
}

// withoutPath is an error of the file system whose path the caller names.
func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// checkPrivate refuses a keyset that others than its owner may read. On
// Windows the mode says nothing of them.
func checkPrivate(info fs.FileInfo) error {
	const others = 0o077
	switch {
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file; Read takes a keyset from elsewhere")
	case runtime.GOOS != "windows" && info.Mode().Perm()&others != 0:
		return fmt.Errorf("it is accessible to other users (mode %04o); chmod 600 it, and rotate its keys if they may have been read", info.Mode().Perm())
	}
	return nil
}
