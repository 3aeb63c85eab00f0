package oauth

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"time"
)

const (
	// maxMemoryFlows bounds what anonymous visitors of a login page can make a
	// MemoryStore hold, to some 10 MB.
	maxMemoryFlows = 10_000
	// flowMemory is how long a flow past its end is still told from an unknown
	// one.
	flowMemory = time.Hour
)

// memoryFlows are the flows of a MemoryStore, and a heap of them by Expires.
type memoryFlows struct {
	byID     map[string]*memoryFlow
	byExpiry flowHeap
}

type memoryFlow struct {
	Flow
	used bool
}

// PutFlow implements FlowStore. Beyond ten thousand flows, those that expire
// first give way.
func (s *MemoryStore) PutFlow(ctx context.Context, f Flow) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("oauth: memory store: %w: %w", ErrNotWritten, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flows.byID[f.ID] != nil {
		return fmt.Errorf("oauth: memory store: %w: a flow of that id exists", ErrConflict)
	}
	forgotten := time.Now().Add(-flowMemory)
	for h := &s.flows.byExpiry; h.Len() >= maxMemoryFlows || (h.Len() > 0 && (*h)[0].Expires.Before(forgotten)); {
		delete(s.flows.byID, heap.Pop(h).(*memoryFlow).ID)
	}
	f.Sealed = bytes.Clone(f.Sealed)
	entry := &memoryFlow{Flow: f}
	s.flows.byID[f.ID] = entry
	heap.Push(&s.flows.byExpiry, entry)
	return nil
}

// TakeFlow implements FlowStore.
func (s *MemoryStore) TakeFlow(ctx context.Context, id, binding string) (Flow, error) {
	if err := ctx.Err(); err != nil {
		return Flow{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.flows.byID[id]
	switch {
	case entry == nil:
		return Flow{}, ErrFlowUnknown
	case entry.used:
		return Flow{}, ErrFlowUsed
	case entry.Binding != binding:
		return Flow{}, ErrFlowBinding
	case !time.Now().Before(entry.Expires):
		return Flow{}, ErrFlowExpired
	}
	f := entry.Flow
	entry.used, entry.Sealed = true, nil
	return f, nil
}

// flowHeap implements heap.Interface.
type flowHeap []*memoryFlow

func (h flowHeap) Len() int           { return len(h) }
func (h flowHeap) Less(i, j int) bool { return h[i].Expires.Before(h[j].Expires) }
func (h flowHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *flowHeap) Push(x any)        { *h = append(*h, x.(*memoryFlow)) }
func (h *flowHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}
