package oauth

import (
	"hash/maphash"
	"sync"
	"time"
)

// grantCache holds what a process knows of its grants, within a number of
// bytes. A grant that gives way loses nothing but time: its next use reads the
// store. One whose refresh is under way, or failed a moment ago, stays.
type grantCache struct {
	app    *App
	seed   maphash.Seed
	limit  int // of each shard
	shards [64]cacheShard
}

// cacheShard is a clock: the hand passes over whoever was used since it came
// by last, so that a use costs one bit and no lock.
type cacheShard struct {
	mu     sync.Mutex // held before that of a grantState
	states map[GrantID]*grantState
	ring   []*grantState
	hand   int
	size   int
}

const defaultCacheBytes = 24 << 20

func newGrantCache(a *App, bytes int) *grantCache {
	c := &grantCache{app: a, seed: maphash.MakeSeed()}
	c.limit = bytes / len(c.shards)
	for i := range c.shards {
		c.shards[i].states = map[GrantID]*grantState{}
	}
	return c
}

func (c *grantCache) shard(id GrantID) *cacheShard {
	return &c.shards[maphash.String(c.seed, string(id))%uint64(len(c.shards))]
}

// state returns the one state of a grant.
func (c *grantCache) state(id GrantID) *grantState {
	sh := c.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.states[id]
	if s == nil {
		s = &grantState{app: c.app, id: id}
		if c.app.revoked.has(id) {
			s.current.Store(&snapshot{generation: revokedHere})
		}
		sh.states[id] = s
		sh.ring = append(sh.ring, s)
		sh.grow(s, s.size(), c.limit)
	}
	return s
}

// publish makes snap current unless that or a newer one is, and reports whether
// it did.
func (c *grantCache) publish(s *grantState, snap *snapshot) bool {
	sh := c.shard(s.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.evicted.Load() {
		return false // it is for the next user to read
	}
	cur := s.current.Load()
	if cur != nil && cur.generation >= snap.generation {
		return false
	}
	s.current.Store(snap)
	s.confirm(time.Now())
	sh.grow(s, snap.size()-cur.size(), c.limit)
	return true
}

// known returns the state of a grant if there is one.
func (c *grantCache) known(id GrantID) *grantState {
	sh := c.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.states[id]
}

// forget drops snap, which turned out to be worth nothing.
func (c *grantCache) forget(s *grantState, snap *snapshot) {
	sh := c.shard(s.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.current.CompareAndSwap(snap, nil) {
		sh.size -= snap.size()
	}
}

// retire lets a grant give way at once that nobody has used lately.
func (c *grantCache) retire(s *grantState) {
	sh := c.shard(s.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for i, other := range sh.ring {
		if other == s && !s.used.Load() {
			sh.evict(i)
			return
		}
	}
}

// each calls f for every grant that is in the cache.
func (c *grantCache) each(f func(*grantState)) {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		for _, s := range sh.ring {
			f(s)
		}
		sh.mu.Unlock()
	}
}

// grow adds to the shard's size, for s, and makes room. Going round twice meets
// each grant without its bit; what is left then cannot give way.
func (sh *cacheShard) grow(s *grantState, by, limit int) {
	sh.size += by
	for tries := 2 * len(sh.ring); sh.size > limit && tries > 0; tries-- {
		if sh.hand >= len(sh.ring) {
			sh.hand = 0
		}
		if other := sh.ring[sh.hand]; other == s || other.used.Swap(false) || !sh.evict(sh.hand) {
			sh.hand++
		}
	}
}

// evict removes the ith grant unless it is busy.
func (sh *cacheShard) evict(i int) bool {
	s := sh.ring[i]
	if !s.leave() {
		return false
	}
	sh.size -= s.size()
	s.current.Store(nil)
	delete(sh.states, s.id)
	last := len(sh.ring) - 1
	sh.ring[i], sh.ring[last] = sh.ring[last], nil
	sh.ring = sh.ring[:last]
	return true
}
