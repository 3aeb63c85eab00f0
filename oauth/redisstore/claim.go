package redisstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/oauth"
)

// candidate is a row that may be claimed.
type candidate struct {
	bucket int
	id     oauth.GrantID
	issued float64
}

// ClaimDue implements oauth.Store. It asks all buckets for their oldest rows
// and claims the oldest of these, bucket by bucket; where others are faster it
// asks again. Rows that cannot be read are passed over, and Find tells of them.
func (s *Store) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]oauth.Row, error) {
	var claimed []oauth.Row
	for len(claimed) < n {
		oldest, err := s.oldest(ctx, n-len(claimed))
		if err == nil && len(oldest) == 0 {
			return claimed, nil
		}
		if err == nil {
			var rows []oauth.Row
			rows, err = s.claim(ctx, oldest, ttl)
			claimed = append(claimed, rows...)
		}
		if err != nil && len(claimed) == 0 {
			return nil, s.failedWrite(err)
		}
		if err != nil {
			return claimed, nil //nolint:nilerr // what was claimed is to be used; the error will come again
		}
	}
	return claimed, ctx.Err()
}

// oldest returns the n oldest rows that nobody claims.
func (s *Store) oldest(ctx context.Context, n int) ([]candidate, error) {
	if err := ctx.Err(); err != nil {
		return nil, unsent{err}
	}
	pipe := s.client.Pipeline()
	var replies [buckets]*redis.Cmd
	for i := range replies {
		b := s.bucket(i)
		replies[i] = evaluate(ctx, "eval", s.scripts.oldest.source, []string{b.due(), b.claims()}, []any{n})
		_ = pipe.Process(ctx, replies[i])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	var all []candidate
	for i, cmd := range replies {
		r, err := parse(cmd)
		if err != nil {
			return nil, err
		}
		list := texts(r.data)
		for j := 0; j+1 < len(list); j += 2 {
			issued, err := strconv.ParseFloat(list[j+1], 64)
			if err != nil {
				return nil, errReply
			}
			all = append(all, candidate{i, oauth.GrantID(list[j]), issued})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.issued, b.issued), cmp.Compare(a.id, b.id))
	})
	return all[:min(n, len(all))], nil
}

// claim claims those that are still free.
func (s *Store) claim(ctx context.Context, all []candidate, ttl time.Duration) ([]oauth.Row, error) {
	var claimed []oauth.Row
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(a.bucket, b.bucket) })
	for _, group := range byBucket(all) {
		b := s.bucket(group[0].bucket)
		keys, args := []string{b.due(), b.claims()}, []any{ttl.Microseconds()}
		for _, c := range group {
			keys, args = append(keys, b.grant(c.id)), append(args, string(c.id))
		}
		r, err := s.run(ctx, s.scripts.claim, keys, args...)
		if err != nil {
			return claimed, err
		}
		for _, fields := range r.data {
			row, ok, err := r.row(fields)
			switch {
			case err != nil && !errors.Is(err, oauth.ErrCorruptRow):
				return claimed, err
			case err == nil && ok:
				claimed = append(claimed, row)
			}
		}
	}
	return claimed, nil
}

// byBucket splits sorted candidates.
func byBucket(all []candidate) (groups [][]candidate) {
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(c candidate) bool { return c.bucket != all[0].bucket })
		if n < 0 {
			n = len(all)
		}
		groups, all = append(groups, all[:n]), all[n:]
	}
	return groups
}
