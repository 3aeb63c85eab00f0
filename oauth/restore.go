package oauth

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// recentLimit bounds what a process keeps for the case that its store fails
// over. A replica lacks the writes of the last seconds.
const recentLimit = 4 << 20

// recentRows are the rows that this process committed or adopted last, still
// sealed: what a failover makes the store forget can be written back.
type recentRows struct {
	mu    sync.Mutex
	byID  map[GrantID]*list.Element // of order, whose values are Rows
	order list.List                 // the oldest first
	size  int
}

func (r *recentRows) keep(row Row) {
	if row.State != StateActive {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[GrantID]*list.Element{}
	}
	if e := r.byID[row.GrantID]; e != nil {
		if e.Value.(Row).Generation > row.Generation {
			return
		}
		r.drop(e)
	}
	r.byID[row.GrantID] = r.order.PushBack(row)
	for r.size += rowSize(row); r.size > recentLimit; {
		r.drop(r.order.Front())
	}
}

func (r *recentRows) drop(e *list.Element) {
	row := r.order.Remove(e).(Row)
	delete(r.byID, row.GrantID)
	r.size -= rowSize(row)
}

// rowSize is about what a kept row takes of memory.
func rowSize(row Row) int {
	const fields = 512
	return fields + len(row.Sealed) + len(row.Scope)
}

// after returns the row kept of a grant if it is of a later generation than
// row.
func (r *recentRows) after(row Row) (kept Row, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[row.GrantID]
	if e == nil || e.Value.(Row).Generation <= row.Generation {
		return Row{}, false
	}
	return e.Value.(Row), true
}

func (r *recentRows) all() (rows []Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.order.Front(); e != nil; e = e.Next() {
		rows = append(rows, e.Value.(Row))
	}
	return rows
}

// noticedRun is a run of the store, or of that part of it which holds a row,
// when it was first heard of.
type noticedRun struct {
	run string
	at  time.Time
}

// notice hears of a run. One never seen before may be one that has forgotten
// something, of any grant; the sooner it is told, the less has been probed.
func (a *App) notice(run string) {
	if _, seen := a.runs.LoadOrStore(run, struct{}{}); seen {
		return
	}
	a.latest.Store(&noticedRun{run, time.Now()})
	a.remindOf(a.recent.all())
	a.buryAllAgain(a.revoked.all())
}

// failoverTime is how long after another run was noticed the one before may
// still be answering.
const failoverTime = 10 * time.Minute

// keep keeps a row that this process committed or adopted. If it came from a
// run of the store that has been replaced meanwhile, nobody may know it.
func (a *App) keep(row Row) {
	a.recent.keep(row)
	if a.replaced(row.StoreRun) {
		a.remindOf([]Row{row})
	}
}

// replaced reports whether another run than this was noticed lately: what it
// has acknowledged may be forgotten.
func (a *App) replaced(run string) bool {
	latest := a.latest.Load()
	return latest != nil && latest.run != run && time.Since(latest.at) < failoverTime
}

// remindOf has the store know all rows again, in the background.
func (a *App) remindOf(rows []Row) {
	if len(rows) == 0 {
		return
	}
	a.background(func() {
		for _, kept := range rows {
			if a.remind(a.closing, kept) != nil {
				return
			}
		}
	})
}

// remind has the store know kept's generation again, for as long as it takes
// to reach it. An error is ErrClosed.
func (a *App) remind(ctx context.Context, kept Row) error {
	for try, beaten := 0, 0; ; try++ {
		row, err := a.load(ctx, kept.GrantID)
		if err == nil && row.Generation < kept.Generation {
			err = a.restore(ctx, row, kept)
		}
		if errors.Is(err, ErrConflict) {
			beaten++
		}
		if !errors.Is(err, ErrStoreUnavailable) && !errors.Is(err, ErrConflict) || beaten > mostBeaten {
			return nil // whatever it is, the grant's next flight meets it too
		}
		if err := a.sleep(backoff(try)); err != nil {
			return err
		}
	}
}

// restored is row with the generation that a failover made the store forget.
// It may have forgotten a probe as well, and whose intent now stands may have
// sent: that of kept is doubtful and the intent stays. A tombstone stays one,
// of which the provider has to be told again: of the newest token this time.
func restored(row, kept Row, w windows) Row {
	if row.RunID != row.StoreRun {
		row = quarantined(row, w)
	}
	kept.RunID, kept.Intent, kept.DoubtGen = row.RunID, row.Intent, kept.Generation
	kept.CommittedAt = row.Now // by the clock that is now the store's
	if row.State == StateTombstone {
		kept.State, kept.Reason = StateTombstone, ReasonPending
	}
	kept.Version, kept.Now, kept.StoreRun = row.Version, row.Now, row.StoreRun
	return kept
}

// mostBeaten is how often a row that went back may turn out to have been an
// old copy, before it is believed that the store gives out nothing else.
const mostBeaten = 3

// restore writes kept back over row.
func (a *App) restore(ctx context.Context, row, kept Row) error {
	if anew, err := a.resealed(kept); err == nil { // its key may be about to be removed
		kept = anew
	}
	row, err := a.swap(ctx, restored(row, kept, a.windows(row)))
	if err != nil {
		return err
	}
	a.log.Warn("the store forgot a rotation, which is written back", "grant", row.GrantID, "generation", row.Generation)
	if row.State == StateTombstone {
		a.revokeLater(ctx, row.GrantID)
	}
	return nil
}
