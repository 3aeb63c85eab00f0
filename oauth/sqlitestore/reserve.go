package sqlitestore

import (
	"errors"
	"os"

	"github.com/rblx-go/opencloud/oauth/internal/diskspace"
)

// A commit is appended to the log and needs space nowhere else: four pages of
// 4 KiB, more where a page overflows. reserved is room behind the log's end for
// the commits of some two hundred refreshes that are under way at a time.
const reserved = 4 << 20

// logLength is what the log grows to before SQLite begins it anew (1000 frames,
// https://sqlite.org/pragma.html#pragma_wal_autocheckpoint).
const logLength = 1000 * (4096 + 24)

// reserve makes sure that the log has room for commits: should the disk fill up
// while Roblox answers, the new refresh token still finds its place. It is to
// be called inside a write transaction, when nobody else changes the log, and
// before every write but a commit.
//
// The log's end may be behind what is in use, since SQLite writes over old
// frames; it is never before it. What follows the last valid frame SQLite
// ignores (https://sqlite.org/walformat.html).
func (s *Store) reserve() error {
	log, err := os.OpenFile(s.path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := log.Stat()
	if err == nil {
		err = diskspace.Reserve(log, info.Size()+reserved)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = diskspace.Fill(log, logLength+reserved)
	}
	return errors.Join(err, log.Close())
}
