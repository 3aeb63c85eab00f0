// Package sqlitestore keeps grants and sign-ins in a SQLite database, for one
// program or many processes on one machine that hold many grants: it finds
// those of a subject, and those that are due, by an index. It needs a local
// disk; network file systems are refused, because SQLite's write-ahead log
// cannot be shared over them.
//
// A write is one short transaction, flushed to the disk before it is
// acknowledged (journal mode WAL, synchronous FULL). None stays open while
// anything else goes on. Before a refresh is sent its commit has room on the
// disk: 4 MiB behind the write-ahead log are kept for it. On file systems that
// never write in place (Btrfs, ZFS, APFS) that is no promise.
//
// A lock on a file beside the database is held for the whole of a refresh: a
// process that is stopped in the middle of it is not taken for a dead one (see
// oauth.FlightLocker).
//
// Tokens are as oauth.Config.Sealer makes them. Without one they are plain:
// keep the database on an encrypted disk. It and its directory belong to their
// user alone (0600 and 0700), and wider ones are refused. On Windows the
// directory's access list decides instead. The directory also holds the
// database's -wal and -shm files: copy all of it, with no process running, or
// use SQLite's own backup. What is in -flights are locks.
//
// A copy put in the database's place may hold old rows. What shows it is the
// file's number, so restore by a rename or into another directory, never by
// writing over the file.
package sqlitestore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

// Store is a database of grants and sign-ins. Make one with Open. It is safe
// for concurrent use, also by other processes that open the same file.
type Store struct {
	path string
	dir  *os.Root    // where it is
	file fs.FileInfo // as opened: a file that takes its place is another database
	run  string      // changes when the file is replaced by a copy
	boot string      // changes with every boot, when the clock begins anew

	writer *sql.DB // one connection: SQLite has one writer, and here it waits in line
	reader *sql.DB
}

var (
	_ oauth.LocalStore = (*Store)(nil)
	_ oauth.FlowStore  = (*Store)(nil)
)

const (
	readers = 4
	// openTimeout bounds Open where other processes are at the same point.
	openTimeout = 10 * time.Second
)

// Open opens the database in the file path, which it creates, with its
// directory, if need be. It fails if the directory is accessible to other users
// (/tmp and t.TempDir() are; a new one in there is right) or on a network file
// system, and if the file is a symlink, no database, another program's, or of a
// newer version of this package. Close it when done.
func Open(path string) (*Store, error) {
	dir, err := localdir.Prepare(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	s := &Store{path: filepath.Join(dir, filepath.Base(path))}
	if err := s.open(); err != nil {
		_ = s.Close()
		return nil, s.failed(err)
	}
	return s, nil
}

func (s *Store) open() (err error) {
	if err := create(s.path); err != nil {
		return err
	}
	if s.file, err = os.Lstat(s.path); err != nil {
		return err
	}
	if !s.file.Mode().IsRegular() {
		return errors.New("it is no regular file; name the database itself")
	}
	if err := localdir.CheckPrivate(s.path, s.file); err != nil {
		return err
	}
	if s.dir, err = os.OpenRoot(filepath.Dir(s.path)); err != nil {
		return err
	}
	if s.boot, err = bootclock.ID(); err != nil {
		return fmt.Errorf("the identity of this boot: %w", err)
	}
	if s.writer, err = connect(s.path, 1); err != nil {
		return err
	}
	if s.reader, err = connect(s.path, readers); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := prepare(ctx, s.writer); err != nil {
		return err
	}
	s.run, err = s.identify(ctx)
	return err
}

// create makes an empty private file unless there is one. It appears under its
// name complete and closed: were it closed later, the locks that another Store
// of this process holds on it would end.
func create(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // an empty file, harmless
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(localdir.Sync(dir), dir.Close())
}

func connect(path string, connections int) (*sql.DB, error) {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/grants.db
	}
	query := url.Values{
		"mode": {"rw"},
		"_pragma": {
			"busy_timeout(" + strconv.FormatInt(openTimeout.Milliseconds(), 10) + ")",
			"synchronous(FULL)",
			"fullfsync(1)", // macOS, where less leaves a commit in the disk's own cache
			"trusted_schema(0)",
		},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Local implements oauth.LocalStore: it was opened on a local disk.
func (*Store) Local() bool { return true }

// Close releases the database. Operations under way should have ended.
func (s *Store) Close() error {
	var errs []error
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// identify returns the store's run: another one in a copy of the database,
// whose rows may be old. A reboot is no new run: what was written is on the disk.
func (s *Store) identify(ctx context.Context) (string, error) {
	var id string
	if err := s.writer.QueryRowContext(ctx, "SELECT id FROM identity").Scan(&id); err != nil {
		return "", err
	}
	number, err := localdir.FileNumber(s.path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(id + " " + strconv.FormatUint(number, 10)))
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}
