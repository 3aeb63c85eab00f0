package redisstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// Load implements oauth.Store.
func (s *Store) Load(ctx context.Context, id oauth.GrantID) (oauth.Row, error) {
	if !id.Valid() {
		return oauth.Row{}, fmt.Errorf("redisstore: %q is no grant id: %w", id, oauth.ErrNoGrant)
	}
	r, err := s.run(ctx, s.scripts.load, []string{s.bucketOf(string(id)).grant(id)})
	if err != nil {
		return oauth.Row{}, s.failed(err)
	}
	if len(r.data) != 1 {
		return oauth.Row{}, s.failed(errReply)
	}
	row, ok, err := r.row(r.data[0])
	switch {
	case err != nil:
		return oauth.Row{}, s.failed(fmt.Errorf("grant %s: %w", id, err))
	case !ok:
		return oauth.Row{}, fmt.Errorf("redisstore: grant %s: %w", id, oauth.ErrNoGrant)
	case row.GrantID != id:
		return oauth.Row{}, s.failed(fmt.Errorf("grant %s: %w: its content is another grant's", id, oauth.ErrCorruptRow))
	}
	return row, nil
}

// row reads the fields of a row: not ok if there is none.
func (r reply) row(fields any) (row oauth.Row, ok bool, err error) {
	f := texts(fields)
	if len(f) != 5 {
		return row, false, errReply
	}
	if strings.Join(f, "") == "" {
		return row, false, nil
	}
	var rec record.Record
	if err := record.Decode(strings.NewReader(f[4]), "row", &rec); err != nil {
		return row, true, err
	}
	if string(rec.Version) != f[0] || rec.Subject != f[1] || string(rec.State) != f[2] || strconv.FormatInt(rec.RefreshIssued.UnixMicro(), 10) != f[3] {
		return row, true, fmt.Errorf("%w: its fields are not those of its content", oauth.ErrCorruptRow)
	}
	return r.stamped(rec), true, nil
}

// stamped is a record's row with the server's clock and history.
func (r reply) stamped(rec record.Record) oauth.Row {
	row := rec.Row("", r.history)
	row.Now = r.now
	return row
}

// Swap implements oauth.Store.
func (s *Store) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	if !row.GrantID.Valid() {
		return oauth.Row{}, fmt.Errorf("redisstore: %w: %q is no grant id", oauth.ErrNotWritten, row.GrantID)
	}
	rec := record.New(row, oauth.Version(rand.Text()), "")
	b := s.bucketOf(string(row.GrantID))
	r, err := s.run(ctx, s.scripts.swap, []string{b.grant(row.GrantID), b.subjects(), b.states(), b.due()},
		string(old), string(rec.Version), rec.Subject, string(rec.State), rec.RefreshIssued.UnixMicro(), record.Encode("row", rec),
		string(row.GrantID), s.channel(), row.StoreRun)
	if err == nil {
		err = refusal(r.answer)
	}
	if err != nil {
		return oauth.Row{}, s.failedWrite(fmt.Errorf("grant %s: %w", row.GrantID, err))
	}
	rec.Sealed = bytes.Clone(rec.Sealed)
	return r.stamped(rec), nil
}

// Delete implements oauth.Store.
func (s *Store) Delete(ctx context.Context, id oauth.GrantID, version oauth.Version) error {
	b := s.bucketOf(string(id))
	r, err := s.run(ctx, s.scripts.remove, []string{b.grant(id), b.subjects(), b.states(), b.due(), b.claims()},
		string(version), string(id), s.channel())
	if err == nil {
		err = refusal(r.answer)
	}
	if err != nil {
		return s.failedWrite(fmt.Errorf("grant %s: %w", id, err))
	}
	return nil
}
