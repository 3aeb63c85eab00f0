package oauth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// KeepOptions say how App.Keep renews idle grants. The zero value is fine.
type KeepOptions struct {
	// MaxIdle is the age of a refresh token at which its grant is renewed, 60
	// days by default. Roblox's live 90; 85 days are the most.
	MaxIdle time.Duration
	// Rate is how many renewals a second this process starts at most, 2 by
	// default: a million grants of one day then take six.
	Rate float64
	// AtOnce is how many are under way at most, 8 by default.
	AtOnce int
	// OnProgress hears of each few renewals and of the end of each scan. It runs
	// on Keep's goroutine.
	OnProgress func(KeepProgress)
}

// KeepProgress is what a call of App.Keep has done so far.
type KeepProgress struct {
	Scans   int
	Renewed int       // grants that have new tokens
	Lost    int       // whose users have to sign in again
	Failed  int       // to be tried again: the provider or the store did not answer
	Ended   int       // of sign-ins that were never finished: revoked, nobody knows of them
	Oldest  time.Time // when the oldest refresh token met last was issued
	Next    time.Time // when the next scan begins; zero during one
}

const (
	keepMaxIdle  = 60 * 24 * time.Hour
	keepMostIdle = 85 * 24 * time.Hour
	keepRate     = 2
	keepAtOnce   = 8
	keepClaim    = 15 * time.Minute // how long a claimed grant is hidden from other keepers
	keepPause    = 6 * time.Hour    // between scans, at most; half of it is left to chance
)

// Keep renews idle grants before their refresh tokens expire, until ctx ends or
// the App is closed, and returns why. It may run in every process: they share
// the work through the store. Grants in use refresh by themselves and are never
// due here. While the store or the provider is away, or asks to wait, so does
// Keep; it keeps nothing in this process that a restart would lose.
//
// Renewing is a choice: whoever signed in once stays signed in for as long as
// the app runs. A grant that is due and has no Subject though openid was asked
// for is of a sign-in that a crash cut short: it is revoked.
func (a *App) Keep(ctx context.Context, opts KeepOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.closing, cancel)() //nolint:contextcheck // Close ends it, too
	k := &keeper{app: a, opts: opts, limit: rate.NewLimiter(rate.Limit(opts.Rate), 1)}
	for ctx.Err() == nil {
		failed := k.progress.Failed
		k.scan(ctx)
		pause := min(keepPause, opts.MaxIdle/10)
		if k.progress.Failed > failed {
			pause = min(pause, 2*keepClaim)
		}
		pause = pause/2 + rand.N(pause/2)
		k.progress.Scans++
		k.progress.Next = time.Now().Add(pause)
		k.report()
		_ = wait(ctx, pause)
		k.progress.Next = time.Time{}
	}
	if a.closing.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// check fills in defaults and names the first field that is wrong.
func (o *KeepOptions) check() error {
	if o.MaxIdle == 0 {
		o.MaxIdle = keepMaxIdle
	}
	if o.Rate == 0 {
		o.Rate = keepRate
	}
	if o.AtOnce == 0 {
		o.AtOnce = keepAtOnce
	}
	switch {
	case o.MaxIdle < time.Minute || o.MaxIdle > keepMostIdle:
		return fmt.Errorf("oauth: KeepOptions.MaxIdle: %v is not between a minute and 85 days", o.MaxIdle)
	case !(o.Rate > 0):
		return fmt.Errorf("oauth: KeepOptions.Rate: %v is not above zero", o.Rate)
	case o.AtOnce < 0:
		return fmt.Errorf("oauth: KeepOptions.AtOnce: %d is negative", o.AtOnce)
	}
	return nil
}

// keeper is one call of App.Keep.
type keeper struct {
	app   *App
	opts  KeepOptions
	limit *rate.Limiter

	mu       sync.Mutex // guards the rest while renewals are under way
	progress KeepProgress
	resume   time.Time // the store failed: nothing before
}

// scan renews the grants that are due, the oldest first. It stops at one that is
// not, since all others are younger, and returns when no renewal is under way.
func (k *keeper) scan(ctx context.Context) {
	var workers errgroup.Group
	defer func() { _ = workers.Wait() }() // none returns an error
	workers.SetLimit(k.opts.AtOnce)
	for try := 0; k.ready(ctx) == nil; {
		rows, err := k.claim(ctx)
		if err != nil {
			k.app.log.Warn("the keeper cannot read the store", "error", err)
			if wait(ctx, backoff(try)) != nil {
				return
			}
			try++
			continue
		}
		try = 0
		due := k.due(rows)
		all := k.renewAll(ctx, &workers, due)
		if len(due) > 0 {
			k.report()
		}
		if !all || len(rows) == 0 || len(due) < len(rows) {
			return
		}
	}
}

// claim takes as many grants as can be renewed before the claim ends.
func (k *keeper) claim(ctx context.Context) ([]Row, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	n := min(4*k.opts.AtOnce, int(k.opts.Rate*keepClaim.Seconds()/2))
	return k.app.store.ClaimDue(ctx, max(n, 1), keepClaim)
}

// due returns those of rows that are old enough.
func (k *keeper) due(rows []Row) []Row {
	k.mu.Lock()
	defer k.mu.Unlock()
	var due []Row
	before := time.Now().Add(-k.opts.MaxIdle)
	for i, row := range rows {
		if i == 0 || row.RefreshIssued.Before(k.progress.Oldest) {
			k.progress.Oldest = row.RefreshIssued
		}
		if !row.RefreshIssued.After(before) {
			due = append(due, row)
		}
	}
	return due
}

// renewAll gives each grant to a worker, once there is one. It returns false if
// ctx has ended, or will before the rate allows the next.
func (k *keeper) renewAll(ctx context.Context, workers *errgroup.Group, due []Row) bool {
	for _, row := range due {
		if row.App != k.app.config.ClientID { // another app's keeper will come by
			continue
		}
		if k.ready(ctx) != nil || k.limit.Wait(ctx) != nil {
			return false
		}
		workers.Go(func() error {
			if k.unfinished(row) {
				k.end(ctx, row)
			} else {
				k.renew(ctx, row)
			}
			return nil
		})
	}
	return true
}

// unfinished reports whether a process ended between storing a sign-in's grant
// and naming its user. Nobody was handed its id.
func (k *keeper) unfinished(row Row) bool {
	return row.Subject == "" && slices.Contains(splitScopes(row.Scope), "openid") && slices.Contains(k.app.config.Scopes, "openid")
}

func (k *keeper) end(ctx context.Context, row Row) {
	err := k.app.Grant(row.GrantID).Revoke(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.progress.Failed++
		k.app.log.Warn("the grant of an unfinished sign-in was not revoked", "grant", row.GrantID, "error", err)
		return
	}
	k.progress.Ended++
}

// renew gets a grant new tokens, as a use would, and does not take the place in
// the cache of grants that are in use.
func (k *keeper) renew(ctx context.Context, row Row) {
	s := k.app.grants.state(row.GrantID)
	_, err := s.newer(ctx, aim{known: row.Generation, past: true, keeping: true})
	k.app.grants.retire(s)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		k.progress.Renewed++
	case ctx.Err() != nil, errors.Is(err, ErrClosed), errors.Is(err, ErrRevoked), errors.Is(err, ErrNoGrant):
	case errors.Is(err, ErrNeedsReauth):
		k.progress.Lost++
	default:
		k.progress.Failed++
		k.app.log.Warn("an idle grant was not renewed", "grant", row.GrantID, "error", err)
		if errors.Is(err, ErrStoreUnavailable) {
			k.resume = time.Now().Add(backoff(k.opts.AtOnce))
		}
	}
}

// ready waits while the store or the provider cannot answer.
func (k *keeper) ready(ctx context.Context) error {
	for {
		k.mu.Lock()
		until := k.resume
		k.mu.Unlock()
		for _, c := range []*circuit{&k.app.circuit, &k.app.keeping} {
			if t := c.reopensAt(); t.After(until) {
				until = t
			}
		}
		pause := time.Until(until)
		if pause <= 0 {
			return ctx.Err()
		}
		if err := wait(ctx, pause+rand.N(time.Second)); err != nil {
			return err
		}
	}
}

func (k *keeper) report() {
	k.mu.Lock()
	p := k.progress
	k.mu.Unlock()
	line := []any{"renewed", p.Renewed, "lost", p.Lost, "failed", p.Failed, "ended", p.Ended}
	if !p.Oldest.IsZero() {
		line = append(line, "oldest", p.Oldest)
	}
	if !p.Next.IsZero() {
		line = append(line, "next", p.Next)
	}
	k.app.log.Info("keeping idle grants", line...)
	if k.opts.OnProgress != nil {
		k.opts.OnProgress(p)
	}
}

// wait waits for d or for the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
