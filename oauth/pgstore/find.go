package pgstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth"
)

// pageSize is how many rows Find reads at a time. No connection is held while
// they are used.
const pageSize = 500

// Find implements oauth.Store. A row that cannot be read does not hide the
// others: its error comes last.
func (s *Store) Find(ctx context.Context, q oauth.Query) iter.Seq2[oauth.Row, error] {
	return func(yield func(oauth.Row, error) bool) {
		var bad []error
		p := newPages(q)
		for more := true; more; {
			rows, corrupt, err := s.page(ctx, p)
			if err != nil {
				yield(oauth.Row{}, s.failed(err))
				return
			}
			for _, row := range rows {
				if q.Matches(row) && !yield(row, nil) {
					return
				}
			}
			bad = append(bad, corrupt...)
			more = len(rows)+len(corrupt) == pageSize
		}
		if len(bad) > 0 {
			yield(oauth.Row{}, s.failed(errors.Join(bad...)))
		}
	}
}

// page returns the next rows, and the errors of those that cannot be read.
func (s *Store) page(ctx context.Context, p *pages) (page []oauth.Row, bad []error, err error) {
	query, args := p.query()
	last := *p
	err = s.read(ctx, query, args, func(rows pgx.Rows) error {
		page, bad = nil, nil
		var (
			at stamped
			r  stored
		)
		_, err := pgx.ForEachRow(rows, r.into(&at), func() error {
			last.id, last.issued = *r.id, *r.issued
			row, err := r.row(at)
			if err != nil {
				bad = append(bad, err)
				return nil
			}
			page = append(page, row)
			return nil
		})
		return err
	})
	*p = last
	return page, bad, err
}

// pages is how far a search has come.
type pages struct {
	oauth.Query
	byIssue bool      // the order: by issue and id, or by id
	issued  time.Time // of the last row
	id      string    // likewise
}

// newPages begins a search. What is due is found in the order of the index of
// what is due, unless all is: a row that is refreshed meanwhile would come
// again.
func newPages(q oauth.Query) *pages {
	return &pages{Query: q, byIssue: q.Subject == "" && !q.Due.IsZero() && q.Due.Before(time.Now())}
}

// query selects the next page: it begins where the last ended, whatever was
// written between them.
func (p *pages) query() (query string, args []any) {
	var where []string
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	order := "id"
	if p.byIssue {
		order = "issued, id"
		add("(issued, id) > (?, ?)", p.issued, p.id)
	} else {
		add("id > ?", p.id)
	}
	if p.Subject != "" {
		add("subject = ?", p.Subject)
	}
	if p.State != "" {
		add("state = ?", string(p.State))
	}
	if !p.Due.IsZero() {
		add("issued <= ?", micro(p.Due))
		add("state = 'active'")
	}
	return fmt.Sprintf("SELECT %s, %s FROM $schema.grants g WHERE %s ORDER BY %s LIMIT %d",
		stamp, columns, strings.Join(where, " AND "), order, pageSize), args
}
