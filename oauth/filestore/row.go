package filestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/flock"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

const rowSuffix = ".row"

// Load implements oauth.Store.
func (s *Store) Load(ctx context.Context, id oauth.GrantID) (oauth.Row, error) {
	if err := ctx.Err(); err != nil {
		return oauth.Row{}, err
	}
	if !id.Valid() {
		return oauth.Row{}, fmt.Errorf("filestore: %w: %q is no grant id", oauth.ErrNoGrant, id)
	}
	r, err := s.read(id)
	if err != nil {
		return oauth.Row{}, fmt.Errorf("filestore: %w", err)
	}
	return r.Row(s.boot, s.run), nil
}

// read returns the record of a grant or an error that wraps oauth.ErrNoGrant.
func (s *Store) read(id oauth.GrantID) (record.Record, error) {
	name := rowName(id) + rowSuffix
	f, err := s.openFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return record.Record{}, oauth.ErrNoGrant
	case err != nil:
		return record.Record{}, err
	}
	defer f.Close()
	var r record.Record
	if err := record.Decode(f, "row", &r); err != nil {
		return record.Record{}, fmt.Errorf("%s: %w", s.path(name), err)
	}
	if r.GrantID != id {
		return record.Record{}, fmt.Errorf("%s: %w: it is the row of another grant", s.path(name), oauth.ErrCorruptRow)
	}
	return r, nil
}

// Swap implements oauth.Store. A row with an Intent also reserves the space
// that its commit will need: should the disk fill up while Roblox answers, the
// new refresh token still finds its place.
func (s *Store) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	if !row.GrantID.Valid() {
		return oauth.Row{}, fmt.Errorf("filestore: %w: %q is no grant id", oauth.ErrNotWritten, row.GrantID)
	}
	unlock, err := s.rows[shard(string(row.GrantID))].Acquire(ctx)
	if err != nil {
		return oauth.Row{}, s.notWritten(err)
	}
	defer unlock()
	if err := s.compare(row.GrantID, old); err != nil {
		return oauth.Row{}, err
	}
	if old != "" && row.StoreRun != "" && row.StoreRun != s.run {
		return oauth.Row{}, fmt.Errorf("filestore: grant %s: %w: it was read from another store", row.GrantID, oauth.ErrConflict)
	}
	r := record.New(row, oauth.Version(rand.Text()), s.boot)
	if err := s.writeRow(r); err != nil {
		return oauth.Row{}, err
	}
	r.Sealed = bytes.Clone(r.Sealed)
	return r.Row(s.boot, s.run), nil
}

// compare is nil if the stored row has that version, or none and it is zero.
func (s *Store) compare(id oauth.GrantID, old oauth.Version) error {
	r, err := s.read(id)
	switch {
	case err != nil && !errors.Is(err, oauth.ErrNoGrant):
		return s.notWritten(err)
	case r.Version != old:
		return fmt.Errorf("filestore: grant %s: %w", id, oauth.ErrConflict)
	}
	return nil
}

func (s *Store) writeRow(r record.Record) error {
	dir, name := rowDir(r.GrantID), rowName(r.GrantID)
	data := record.Encode("row", r)
	from := name + ".tmp"
	if r.Intent != nil {
		if err := s.reserve(name+spareSuffix, len(data)); err != nil {
			return s.notWritten(err)
		}
	} else if _, err := s.root.Lstat(name + spareSuffix); err == nil {
		from = name + spareSuffix
	}
	return s.replace(dir, name+rowSuffix, from, data)
}

// Delete implements oauth.Store.
func (s *Store) Delete(ctx context.Context, id oauth.GrantID, version oauth.Version) error {
	if !id.Valid() {
		return fmt.Errorf("filestore: %w: %q is no grant id", oauth.ErrNoGrant, id)
	}
	unlock, err := s.rows[shard(string(id))].Acquire(ctx)
	if err != nil {
		return s.notWritten(err)
	}
	defer unlock()
	r, err := s.read(id)
	switch {
	case errors.Is(err, oauth.ErrNoGrant):
		return fmt.Errorf("filestore: grant %s: %w", id, err)
	case err != nil:
		return s.notWritten(err)
	case r.Version != version:
		return fmt.Errorf("filestore: grant %s: %w", id, oauth.ErrConflict)
	}
	name := rowName(id)
	for _, suffix := range []string{spareSuffix, ".tmp", rowSuffix} {
		if err := s.root.Remove(name + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s.notWritten(err)
		}
	}
	if release, err := flock.Try(s.root, name+flightSuffix); err == nil {
		release() // which removes what a dead process left
	}
	return s.flush(rowDir(id))
}

func rowDir(id oauth.GrantID) string  { return "rows/" + string(id[:1]) }
func rowName(id oauth.GrantID) string { return rowDir(id) + "/" + string(id) }

// shard is the place of a text by its first character, one of shardNames.
func shard(s string) int { return max(0, strings.IndexByte(shardNames, s[0])) }
