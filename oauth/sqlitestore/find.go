package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// pageSize is how many rows Find reads at a time. No transaction stays open
// while they are used.
const pageSize = 200

// Find implements oauth.Store. A row that cannot be read does not hide the
// others: its error comes last.
func (s *Store) Find(ctx context.Context, q oauth.Query) iter.Seq2[oauth.Row, error] {
	return func(yield func(oauth.Row, error) bool) {
		var bad []error
		for last, more := "", true; more; {
			p, err := s.page(ctx, q, last)
			if err != nil {
				yield(oauth.Row{}, s.failed(err))
				return
			}
			for _, r := range p.records {
				if row := r.Row(s.boot, s.run); q.Matches(row) && !yield(row, nil) {
					return
				}
			}
			bad = append(bad, p.bad...)
			last, more = p.last, p.more
		}
		if len(bad) > 0 {
			yield(oauth.Row{}, s.failed(errors.Join(bad...)))
		}
	}
}

type page struct {
	records []record.Record
	bad     []error // of rows that cannot be read
	last    string  // the id to go on after
	more    bool
}

func (s *Store) page(ctx context.Context, q oauth.Query, after string) (p page, err error) {
	if err := s.inPlace(); err != nil {
		return p, err
	}
	query, args := pageQuery(q, after)
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		r, err := read(rows, &p.last)
		if errors.Is(err, oauth.ErrCorruptRow) {
			p.bad = append(p.bad, err)
			continue
		}
		if err != nil {
			return p, err
		}
		p.records = append(p.records, r)
	}
	p.more = n == pageSize
	return p, rows.Err()
}

// pageQuery selects in the order of ids: each page begins where the last
// ended, whatever was written between them.
func pageQuery(q oauth.Query, after string) (query string, args []any) {
	where := []string{"id > ?"}
	args = []any{after}
	add := func(condition string, arg any) {
		where, args = append(where, condition), append(args, arg)
	}
	if q.Subject != "" {
		add("subject = ?", q.Subject)
	}
	if q.State != "" {
		add("state = ?", string(q.State))
	}
	if !q.Due.IsZero() {
		// The + keeps this out of the choice of an index, which would have to be
		// sorted by id for every page.
		add("+issued <= ?", q.Due.UnixMicro())
		if q.State == "" {
			add("state = ?", string(oauth.StateActive))
		}
	}
	return fmt.Sprintf("SELECT %s FROM grants WHERE %s ORDER BY id LIMIT %d", columns, strings.Join(where, " AND "), pageSize), args
}
