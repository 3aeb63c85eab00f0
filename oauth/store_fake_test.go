package oauth

import (
	"context"
	"fmt"
	"sync"
)

// troubledStore fails as its hooks say, over a memory store.
type troubledStore struct {
	*MemoryStore
	mu sync.Mutex
	// swap decides what becomes of the nth Swap: applied or not, and the error.
	swap  func(n int, new Row) (apply bool, err error)
	swaps int
	// load decides likewise whether the nth Load fails.
	load  func(n int) error
	loads int
}

func (s *troubledStore) Swap(ctx context.Context, old Version, new Row) (Row, error) {
	s.mu.Lock()
	s.swaps++
	n, decide := s.swaps, s.swap
	s.mu.Unlock()
	if decide == nil {
		return s.MemoryStore.Swap(ctx, old, new)
	}
	apply, err := decide(n, new)
	var stored Row
	if apply {
		var swapErr error
		if stored, swapErr = s.MemoryStore.Swap(ctx, old, new); swapErr != nil {
			return Row{}, swapErr
		}
	}
	if err != nil {
		return Row{}, err
	}
	if !apply {
		return Row{}, fmt.Errorf("hook: %w", ErrNotWritten)
	}
	return stored, nil
}

func (s *troubledStore) set(decide func(n int, new Row) (bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swap, s.swaps = decide, 0
}

func (s *troubledStore) reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// Load implements Store.
func (s *troubledStore) Load(ctx context.Context, id GrantID) (Row, error) {
	s.mu.Lock()
	s.loads++
	n, decide := s.loads, s.load
	s.mu.Unlock()
	if decide != nil {
		if err := decide(n); err != nil {
			return Row{}, err
		}
	}
	return s.MemoryStore.Load(ctx, id)
}
