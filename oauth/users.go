package oauth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Grants yields what the store has of a user's grants, dead ones included; an
// empty subject selects everybody's. Those of other client ids in the same
// store are left out. An error ends it.
func (a *App) Grants(ctx context.Context, subject string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for row, err := range a.rows(ctx, Query{Subject: subject}) {
			if !yield(infoOf(row), err) {
				return
			}
		}
	}
}

// rows yields this app's rows, or one error at the end.
func (a *App) rows(ctx context.Context, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for row, err := range a.store.Find(ctx, q) {
			switch {
			case err != nil:
				yield(Row{}, fmt.Errorf("oauth: %w: %w", ErrStoreUnavailable, err))
				return
			case row.App != a.config.ClientID:
			case !yield(row, nil):
				return
			}
		}
	}
}

// Erasure is what became of one grant of an erased user.
type Erasure struct {
	GrantID GrantID
	// Reason says what the provider knows: ReasonConfirmed; ReasonUnreachable (a
	// token may live on there until it expires); ReasonPending (it was not told).
	Reason Reason
	// Err is nil if the row is gone: there was nothing left to tell the provider.
	// Otherwise the row is kept, so that erasing again can do it.
	Err error
}

// Erase forgets a user: it revokes each grant at the provider, then deletes
// its row. The error joins those of the grants; call Erase again to go on
// where it stopped. Sign-ins under way meanwhile are not found.
func (a *App) Erase(ctx context.Context, subject string) ([]Erasure, error) {
	if subject == "" {
		return nil, errors.New("oauth: the subject to erase is empty")
	}
	var all []Erasure
	var errs []error
	for row, err := range a.rows(ctx, Query{Subject: subject}) {
		if err != nil {
			errs = append(errs, err)
			break
		}
		e := a.erase(ctx, row.GrantID)
		all, errs = append(all, e), append(errs, e.Err)
	}
	return all, errors.Join(errs...)
}

// erase revokes a grant and deletes it once the provider has nothing more to
// be told.
func (a *App) erase(ctx context.Context, id GrantID) Erasure {
	err := a.Grant(id).Revoke(ctx)
	if errors.Is(err, ErrNoGrant) { // somebody else erases it
		return Erasure{GrantID: id, Reason: ReasonConfirmed}
	}
	e := Erasure{GrantID: id, Reason: ReasonPending}
	row, loadErr := a.load(ctx, id)
	switch {
	case errors.Is(loadErr, ErrNoGrant): // or has erased it meanwhile
		return Erasure{GrantID: id, Reason: ReasonConfirmed}
	case loadErr != nil:
		e.Err = errors.Join(err, loadErr)
		return e
	case row.State == StateTombstone:
		e.Reason = row.Reason
	}
	if err != nil && !errors.Is(err, errUnheard) && !errors.Is(err, ErrNotOffered) {
		e.Err = err
		return e
	}
	e.Err = a.remove(ctx, row)
	return e
}

// remove deletes a dead row as it was read.
func (a *App) remove(ctx context.Context, row Row) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	err := a.store.Delete(ctx, row.GrantID, row.Version)
	switch {
	case err == nil:
		a.log.Info("erased", "grant", row.GrantID, "subject", row.Subject, "provider", row.Reason)
		return nil
	case errors.Is(err, ErrNoGrant):
		return nil
	}
	return fmt.Errorf("oauth: grant %s is revoked, but its row is still there: %w", row.GrantID, err)
}

// refreshTokenLife is how long Roblox honours a refresh token that is not used.
const refreshTokenLife = 90 * 24 * time.Hour

// Purge deletes dead grants whose last tokens were issued longer ago than
// olderThan, and returns how many. Dead are lost ones (ErrNeedsReauth: keep
// what may yet be rearmed), revoked ones of which the provider has been told,
// and whatever has a refresh token that expired unused, after 90 days. The
// error joins what could not be deleted.
func (a *App) Purge(ctx context.Context, olderThan time.Duration) (int, error) {
	if olderThan < 0 {
		return 0, fmt.Errorf("oauth: the age to purge from, %v, is negative", olderThan)
	}
	now := time.Now()
	before, expired := now.Add(-olderThan), now.Add(-refreshTokenLife)
	purged := 0
	var errs []error
	for _, q := range []Query{
		{State: StateTombstone},
		{State: StateNeedsReauth},
		{Due: expired},
	} {
		for row, err := range a.rows(ctx, q) {
			switch {
			case err != nil:
			case !row.RefreshIssued.Before(before),
				row.State == StateTombstone && row.Reason != ReasonConfirmed && row.RefreshIssued.After(expired):
				continue
			default:
				err = a.remove(ctx, row)
			}
			switch {
			case err == nil:
				purged++
			case !errors.Is(err, ErrConflict): // somebody has just rearmed it
				errs = append(errs, err)
			}
		}
	}
	return purged, errors.Join(errs...)
}
