package oauth

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// revocations remembers which grants this process has revoked: if the store
// forgets a tombstone, in a failover, this process writes it again, once it
// notices the failover or meets the grant. Replicas
// lack the writes of seconds, so an hour is ample. Of more than 16,384
// revocations an hour the oldest are forgotten sooner.
type revocations struct {
	mu           sync.Mutex
	latest, rest map[GrantID]struct{}
	since        time.Time // the first of latest
}

const (
	revocationsKept = 1 << 14
	revocationsFor  = time.Hour
)

func (r *revocations) add(id GrantID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); len(r.latest) >= revocationsKept || now.Sub(r.since) > revocationsFor {
		r.latest, r.rest, r.since = map[GrantID]struct{}{}, r.latest, now
	}
	r.latest[id] = struct{}{}
}

func (r *revocations) has(id GrantID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, latest := r.latest[id]
	_, rest := r.rest[id]
	return latest || rest
}

func (r *revocations) all() []GrantID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Keys(r.latest)), maps.Keys(r.rest))
}

// buryAgain writes a tombstone again if the store has forgotten it, and has the
// provider told of the token that is the newest by now.
func (a *App) buryAgain(ctx context.Context, id GrantID) (Row, error) {
	forgotten := false
	row, err := a.change(ctx, id, func(r *Row) bool {
		if r.State == StateTombstone {
			return false
		}
		forgotten = true
		return a.bury(r)
	})
	if err == nil && forgotten {
		a.log.Warn("a tombstone was lost and is written again", "grant", id)
		a.revokeLater(ctx, id)
	}
	return row, err
}

// buryAllAgain does so in the background, once the store can be asked.
func (a *App) buryAllAgain(ids []GrantID) {
	if len(ids) == 0 {
		return
	}
	a.background(func() {
		for _, id := range ids {
			_, err := a.buryAgain(a.closing, id)
			for try := 0; errors.Is(err, ErrStoreUnavailable); try++ {
				if a.sleep(backoff(try)) != nil {
					return
				}
				_, err = a.buryAgain(a.closing, id)
			}
		}
	})
}

// revokeLater has the provider told in the background: to tell it waits for
// the flight, which may be who asks for it.
func (a *App) revokeLater(ctx context.Context, id GrantID) {
	a.background(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*answerLimit)
		defer cancel()
		_, _ = a.Grant(id).revokeNewest(ctx) // what it met stands in the row
	})
}
