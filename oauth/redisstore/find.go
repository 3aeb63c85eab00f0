package redisstore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/oauth"
)

const (
	// pageSize is how many rows one script reads.
	pageSize = 200
	// atOnce is how many buckets are asked in one round trip for the ids that
	// they hold.
	atOnce = 64
)

// Find implements oauth.Store. It asks each of the 256 buckets, 64 in one round
// trip. A row that cannot be read does not hide the others: its error comes
// last.
func (s *Store) Find(ctx context.Context, q oauth.Query) iter.Seq2[oauth.Row, error] {
	return func(yield func(oauth.Row, error) bool) {
		f := finder{Store: s, query: q, yield: yield}
		for first := 0; first < buckets; first += atOnce {
			if err := f.group(ctx, first); err != nil {
				yield(oauth.Row{}, s.failed(err))
				return
			}
			if f.stopped {
				return
			}
		}
		if len(f.bad) > 0 {
			yield(oauth.Row{}, s.failed(errors.Join(f.bad...)))
		}
	}
}

type finder struct {
	*Store
	query   oauth.Query
	yield   func(oauth.Row, error) bool
	stopped bool    // by the loop's body
	bad     []error // of rows that cannot be read
}

// group finds in atOnce buckets.
func (f *finder) group(ctx context.Context, first int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pipe := f.client.Pipeline()
	var pages [atOnce]*redis.StringSliceCmd
	for i := range pages {
		pages[i] = f.page(ctx, pipe, f.bucket(first+i), "")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, page := range pages {
		for b, members := f.bucket(first+i), page.Val(); len(members) > 0; {
			if err := f.load(ctx, b, members); err != nil || f.stopped {
				return err
			}
			if len(members) < pageSize {
				break
			}
			next := f.page(ctx, f.client, b, members[len(members)-1])
			if next.Err() != nil {
				return next.Err()
			}
			members = next.Val()
		}
	}
	return nil
}

// page reads members of an index of b, in their order: each page begins where
// the last ended, whatever was written between them.
func (f *finder) page(ctx context.Context, c redis.Cmdable, b bucket, after string) *redis.StringSliceCmd {
	key, by := b.subjects(), redis.ZRangeBy{Min: "-", Max: "+", Count: pageSize}
	of := func(value string) { by.Min, by.Max = "["+value+"\x00", "("+value+"\x01" }
	switch state := f.query.State; {
	case f.query.Subject != "":
		of(f.query.Subject)
	case state != "" || !f.query.Due.IsZero():
		if state == "" {
			state = oauth.StateActive
		}
		key = b.states()
		of(string(state))
	}
	if after != "" {
		by.Min = "(" + after
	}
	return c.ZRangeByLex(ctx, key, &by)
}

// load yields the rows of members of an index of b that match.
func (f *finder) load(ctx context.Context, b bucket, members []string) error {
	keys := make([]string, len(members))
	for i, member := range members {
		keys[i] = b.grant(idOf(member))
	}
	r, err := f.run(ctx, f.scripts.load, keys)
	if err != nil {
		return err
	}
	if len(r.data) != len(keys) {
		return errReply
	}
	for i, fields := range r.data {
		row, ok, err := r.row(fields)
		switch {
		case errors.Is(err, oauth.ErrCorruptRow):
			f.bad = append(f.bad, fmt.Errorf("grant %s: %w", idOf(members[i]), err))
		case err != nil:
			return err
		case ok && f.query.Matches(row) && !f.yield(row, nil):
			f.stopped = true
			return nil
		}
	}
	return nil
}

// idOf is the end of a member of an index.
func idOf(member string) oauth.GrantID {
	return oauth.GrantID(member[max(0, len(member)-26):])
}
