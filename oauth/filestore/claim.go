package filestore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

const claimsFile = "claims"

// claims are the rows hidden from ClaimDue, and until when by the clock of
// that boot. They spare work and keep nothing safe: losing them is harmless.
type claims struct {
	Boot  string                      `json:"boot"`
	Until map[oauth.GrantID]time.Time `json:"until"`
}

// ClaimDue implements oauth.Store. It reads every row; those that cannot be
// read are passed over, and Find tells of them.
func (s *Store) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]oauth.Row, error) {
	unlock, err := s.claims.Acquire(ctx)
	if err != nil {
		return nil, s.notWritten(err)
	}
	defer unlock()
	claimed, err := s.readClaims()
	if err != nil {
		return nil, s.notWritten(err)
	}
	now := bootclock.Now()
	maps.DeleteFunc(claimed.Until, func(_ oauth.GrantID, until time.Time) bool { return !now.Before(until) })
	due := newOldest(n)
	for r, err := range s.all(ctx) {
		if _, hidden := claimed.Until[r.GrantID]; err == nil && r.State == oauth.StateActive && !hidden {
			due.add(r)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows := make([]oauth.Row, 0, len(due.records))
	for _, r := range due.sorted() {
		claimed.Until[r.GrantID] = now.Add(ttl)
		rows = append(rows, r.Row(s.boot, s.run))
	}
	if len(rows) == 0 {
		return nil, nil
	}
	if err := s.replace(".", claimsFile, claimsFile+".tmp", record.Encode("claims", claimed)); err != nil {
		return nil, err
	}
	return rows, nil
}

func (s *Store) readClaims() (claims, error) {
	none := claims{Boot: s.boot, Until: map[oauth.GrantID]time.Time{}}
	f, err := s.openFile(claimsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return none, nil
	case err != nil:
		return none, err
	}
	defer f.Close()
	var c claims
	if err := record.Decode(f, "claims", &c); err != nil || c.Boot != s.boot || c.Until == nil {
		return none, nil // a damaged list is as good as none
	}
	return c, nil
}

// oldest keeps the n records whose refresh tokens are oldest, in the memory of
// some 2n.
type oldest struct {
	n       int
	records []record.Record
}

func newOldest(n int) *oldest { return &oldest{n: max(n, 0)} }

func (o *oldest) add(r record.Record) {
	o.records = append(o.records, r)
	if len(o.records) > 2*o.n {
		o.sorted()
	}
}

func (o *oldest) sorted() []record.Record {
	slices.SortFunc(o.records, func(a, b record.Record) int {
		return cmp.Or(a.RefreshIssued.Compare(b.RefreshIssued), cmp.Compare(a.GrantID, b.GrantID))
	})
	o.records = o.records[:min(o.n, len(o.records))]
	return o.records
}
