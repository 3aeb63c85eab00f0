package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// Find implements oauth.Store. It reads every row. A row that cannot be read
// does not hide the others: its error comes last.
func (s *Store) Find(ctx context.Context, q oauth.Query) iter.Seq2[oauth.Row, error] {
	return func(yield func(oauth.Row, error) bool) {
		var bad []error
		for r, err := range s.all(ctx) {
			if err != nil {
				bad = append(bad, err)
				continue
			}
			if row := r.Row(s.boot, s.run); q.Matches(row) && !yield(row, nil) {
				return
			}
		}
		if len(bad) > 0 {
			yield(oauth.Row{}, fmt.Errorf("filestore: %w", errors.Join(bad...)))
		}
	}
}

// all yields every record or why it cannot be read; ctx's end comes last.
func (s *Store) all(ctx context.Context) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for i := range shards {
			ids, err := s.list("rows/"+shardNames[i:i+1], rowSuffix)
			if err != nil && !yield(record.Record{}, err) {
				return
			}
			for _, id := range ids {
				if err := ctx.Err(); err != nil {
					yield(record.Record{}, err)
					return
				}
				r, err := s.read(oauth.GrantID(id))
				if errors.Is(err, oauth.ErrNoGrant) {
					continue // deleted since it was listed
				}
				if !yield(r, err) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(record.Record{}, err)
		}
	}
}

// list returns the files of dir that end in suffix, without it.
func (s *Store) list(dir, suffix string) ([]string, error) {
	entries, err := fs.ReadDir(s.root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok {
			names = append(names, name)
		}
	}
	return names, nil
}
