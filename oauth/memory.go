package oauth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"
)

// MemoryStore keeps grants and sign-ins in this process, and forgets them with
// it: for tests and trials. Make one with NewMemoryStore. It is safe for
// concurrent use.
type MemoryStore struct {
	run string // part of every version, so that none outlives the process

	mu     sync.Mutex
	writes uint64
	rows   map[GrantID]Row
	claims map[GrantID]time.Time // hidden from ClaimDue until then
	flows  memoryFlows
}

var (
	_ LocalStore = (*MemoryStore)(nil)
	_ FlowStore  = (*MemoryStore)(nil)
)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		run:    rand.Text(),
		rows:   map[GrantID]Row{},
		claims: map[GrantID]time.Time{},
		flows:  memoryFlows{byID: map[string]*memoryFlow{}},
	}
}

// Local implements LocalStore.
func (*MemoryStore) Local() bool { return true }

// Load implements Store.
func (s *MemoryStore) Load(ctx context.Context, id GrantID) (Row, error) {
	if err := ctx.Err(); err != nil {
		return Row{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[id]
	if !ok {
		return Row{}, fmt.Errorf("oauth: memory store: %w", ErrNoGrant)
	}
	return s.answer(row), nil
}

// Swap implements Store. Its outcome is never unknown.
func (s *MemoryStore) Swap(ctx context.Context, old Version, row Row) (Row, error) {
	if err := ctx.Err(); err != nil {
		return Row{}, fmt.Errorf("oauth: memory store: %w: %w", ErrNotWritten, err)
	}
	if !row.GrantID.Valid() {
		return Row{}, fmt.Errorf("oauth: memory store: %w: %q is no grant id", ErrNotWritten, row.GrantID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[row.GrantID].Version != old || old != "" && row.StoreRun != "" && row.StoreRun != s.run {
		return Row{}, fmt.Errorf("oauth: memory store: %w", ErrConflict)
	}
	s.writes++
	row = row.clone()
	row.Version = Version(s.run + "-" + strconv.FormatUint(s.writes, 10))
	s.rows[row.GrantID] = row
	return s.answer(row), nil
}

// Delete implements Store.
func (s *MemoryStore) Delete(ctx context.Context, id GrantID, version Version) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("oauth: memory store: %w: %w", ErrNotWritten, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[id]
	switch {
	case !ok:
		return fmt.Errorf("oauth: memory store: %w", ErrNoGrant)
	case row.Version != version:
		return fmt.Errorf("oauth: memory store: %w", ErrConflict)
	}
	delete(s.rows, id)
	delete(s.claims, id)
	return nil
}

// Find implements Store: it yields the rows as they were when it was called.
func (s *MemoryStore) Find(ctx context.Context, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s.mu.Lock()
		var found []Row
		for _, row := range s.rows {
			if q.Matches(row) {
				found = append(found, s.answer(row))
			}
		}
		s.mu.Unlock() // before yielding: the caller may use the store
		for _, row := range found {
			if err := ctx.Err(); err != nil {
				yield(Row{}, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}

// ClaimDue implements Store.
func (s *MemoryStore) ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var due []Row
	for id, row := range s.rows {
		if row.State == StateActive && !now.Before(s.claims[id]) {
			due = append(due, row)
		}
	}
	slices.SortFunc(due, func(a, b Row) int {
		return cmp.Or(a.RefreshIssued.Compare(b.RefreshIssued), cmp.Compare(a.GrantID, b.GrantID))
	})
	due = due[:min(len(due), max(n, 0))]
	for i, row := range due {
		s.claims[row.GrantID] = now.Add(ttl)
		due[i] = s.answer(row)
	}
	return due, nil
}

// answer is a copy of row as handed to a caller.
func (s *MemoryStore) answer(row Row) Row {
	row = row.clone()
	row.Now, row.StoreRun = time.Now(), s.run
	return row
}

func (r Row) clone() Row {
	if r.Intent != nil {
		intent := *r.Intent
		r.Intent = &intent
	}
	r.Sealed = bytes.Clone(r.Sealed)
	return r
}
