package pgstore

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth"
)

const (
	// maxFlows bounds what anonymous visitors of a login page can make the
	// database hold.
	maxFlows = 100_000
	// flowMemory is how long a flow past its end is still told from an unknown
	// one.
	flowMemory = time.Hour
	// tidyEvery is how often a process deletes flows.
	tidyEvery = 30 * time.Second
)

const (
	putFlowStatement = `INSERT INTO $schema.flows (id, binding, expires, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING RETURNING true`
	// takeFlowStatement waits at its first line for another who takes the flow.
	takeFlowStatement = `WITH flow AS (SELECT * FROM $schema.flows WHERE id = $1 FOR UPDATE),
		taken AS (UPDATE $schema.flows f SET used = true, sealed = NULL FROM flow
			WHERE f.id = flow.id AND flow.binding = $2 AND NOT flow.used AND flow.expires > $3 RETURNING ` + durable + `)
		SELECT binding, expires, used, sealed, EXISTS (SELECT FROM taken) FROM flow`
	tidyFlowsStatement = `DELETE FROM $schema.flows WHERE expires < $1 OR id IN
		(SELECT id FROM $schema.flows ORDER BY expires DESC OFFSET $2) RETURNING true`
)

// PutFlow implements oauth.FlowStore. Beyond a hundred thousand flows, those
// that expire first give way before long.
func (s *Store) PutFlow(ctx context.Context, f oauth.Flow) error {
	if err := s.tidyFlows(ctx); err != nil {
		return s.failed(err)
	}
	err := s.write(ctx, putFlowStatement, []any{f.ID, f.Binding, micro(f.Expires), f.Sealed}, one(new(bool)))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errors.New("pgstore: a flow of that id exists")
	case err != nil:
		return s.failed(err)
	}
	return nil
}

// tidyFlows deletes old flows and too many of them, now and then.
func (s *Store) tidyFlows(ctx context.Context) error {
	now := time.Now()
	last := s.tidied.Load()
	if now.UnixNano()-last < int64(tidyEvery) || !s.tidied.CompareAndSwap(last, now.UnixNano()) {
		return nil
	}
	return s.write(ctx, tidyFlowsStatement, []any{now.Add(-flowMemory), maxFlows}, func(rows pgx.Rows) error {
		rows.Close()
		return rows.Err()
	})
}

// TakeFlow implements oauth.FlowStore.
func (s *Store) TakeFlow(ctx context.Context, id, binding string) (oauth.Flow, error) {
	f := oauth.Flow{ID: id}
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) { // no text to the server
		return oauth.Flow{}, oauth.ErrFlowUnknown
	}
	var used, taken bool
	now := time.Now()
	err := s.write(ctx, takeFlowStatement, []any{id, binding, now}, one(&f.Binding, &f.Expires, &used, &f.Sealed, &taken))
	switch {
	case err == nil && taken:
		f.Expires = f.Expires.UTC()
		return f, nil
	case errors.Is(err, pgx.ErrNoRows):
		err = oauth.ErrFlowUnknown
	case err != nil:
		err = s.failed(err)
	case used:
		err = oauth.ErrFlowUsed
	case f.Binding != binding:
		err = oauth.ErrFlowBinding
	default:
		err = oauth.ErrFlowExpired
	}
	return oauth.Flow{}, err
}
