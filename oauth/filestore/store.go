// Package filestore keeps grants and sign-ins in a directory, for one program
// or many processes on one machine: a command line, a desktop program, a small
// server. It needs a local disk; network file systems are refused, because
// neither their locks nor their renames hold what this package promises.
//
// Every row is a file of its own. A write goes to a new file, is flushed to
// the disk, and takes the place of the old one by a rename, so that a crash
// leaves either the old row or the new one. Locks are held by open files: they
// end with the process and leave nothing to clean up. One is held for the whole
// of a refresh: a process that is stopped in the middle of it is not taken for
// a dead one (see oauth.FlightLocker).
//
// Tokens are as oauth.Config.Sealer makes them. Without one they are plain:
// keep the directory on an encrypted disk. It and its files belong to their
// user alone (0700 and 0600), and wider ones are refused. On Windows the
// directory's access list decides instead; a user's profile is private already.
package filestore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/internal/flock"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// Store is a directory of grants and sign-ins. Make one with Open. It is safe
// for concurrent use, also by other processes that open the same directory.
type Store struct {
	dir  string
	root *os.Root // no path leads out of it, symlinks or not
	run  string   // changes when the directory is replaced by a copy
	boot string   // changes with every boot, when the clock begins anew

	rows   [shards]*flock.Lock
	flows  [shards]*flock.Lock
	claims *flock.Lock
	sweeps [shards]int // flow files at which to look for old ones, under the flow lock

	hook func(step string) error // tests: fails a step of a write
}

var (
	_ oauth.LocalStore = (*Store)(nil)
	_ oauth.FlowStore  = (*Store)(nil)
)

const (
	identityFile = "identity"
	// identityTimeout bounds Open where another process is at the same point.
	identityTimeout = 10 * time.Second
)

// shardNames are the first characters of grant ids. A shard is a directory and
// a lock.
const (
	shardNames = "abcdefghijklmnopqrstuvwxyz234567"
	shards     = len(shardNames)
)

// Open opens the store in dir, which it creates if need be. It fails if dir is
// a symlink, accessible to other users, or on a network file system: in a test,
// t.TempDir() is too open, and filepath.Join(t.TempDir(), "grants") is right.
// Close it when done.
func Open(dir string) (*Store, error) {
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	return s, nil
}

func open(dir string) (*Store, error) {
	if dir == "" { // not the working directory: an unset variable
		return nil, errors.New("the directory has no name")
	}
	dir, err := localdir.Prepare(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, localdir.Advice(err))
	}
	s := &Store{dir: dir, root: root}
	for i := range shards {
		s.rows[i] = flock.New(root, "rows/"+shardNames[i:i+1]+"/lock")
		s.flows[i] = flock.New(root, "flows/"+shardNames[i:i+1]+"/lock")
	}
	s.claims = flock.New(root, "lock")
	if s.boot, err = bootclock.ID(); err != nil {
		err = fmt.Errorf("the identity of this boot: %w", err)
	} else {
		s.run, err = s.identify()
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Local implements oauth.LocalStore: it was opened on a local disk.
func (*Store) Local() bool { return true }

// Close releases the directory. Operations under way should have ended.
func (s *Store) Close() error {
	errs := []error{s.claims.Close()}
	for i := range shards {
		errs = append(errs, s.rows[i].Close(), s.flows[i].Close())
	}
	return errors.Join(append(errs, s.root.Close())...)
}

// identify returns the store's run: another one in a copy of the directory,
// whose rows may be old. A reboot is no new run: what was written is on the disk.
func (s *Store) identify() (string, error) {
	id, err := s.readIdentity()
	if errors.Is(err, fs.ErrNotExist) {
		id, err = s.createIdentity()
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}

func (s *Store) readIdentity() (string, error) {
	f, err := s.openFile(identityFile)
	if err != nil {
		return "", err
	}
	defer f.Close()
	number, err := localdir.FileNumber(s.path(identityFile))
	if err != nil {
		return "", err
	}
	var id string
	if err := record.Decode(f, "identity", &id); err != nil {
		return "", fmt.Errorf("%s: %w", s.path(identityFile), err)
	}
	return id + " " + strconv.FormatUint(number, 10), nil
}

func (s *Store) createIdentity() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), identityTimeout)
	defer cancel()
	unlock, err := s.claims.Acquire(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w%s", s.dir, err, localdir.Advice(err))
	}
	defer unlock()
	if id, err := s.readIdentity(); !errors.Is(err, fs.ErrNotExist) {
		return id, err // another process was faster
	}
	if err := s.replace(".", identityFile, identityFile+".tmp", record.Encode("identity", rand.Text())); err != nil {
		return "", err
	}
	return s.readIdentity()
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }
