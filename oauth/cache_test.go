package oauth

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cached counts the grants in a cache and what they take, shard by shard.
func cached(c *grantCache) (n, size int) {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		n, size = n+len(sh.states), size+sh.size
		sh.mu.Unlock()
	}
	return n, size
}

// squeeze makes whoever is not busy give way.
func squeeze(c *grantCache) {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		sh.grow(nil, 0, 0)
		sh.mu.Unlock()
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newTestApp(t, newFakeProvider(), NewMemoryStore())
		const limit = 256 << 10
		a.grants = newGrantCache(a, limit)
		grants := manyGrants(t, a, 2000) // handles stay with us
		for range 2 {
			for _, g := range grants {
				if _, err := g.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		n, size := cached(a.grants)
		if size > limit || size < limit/2 || n > 1000 {
			t.Errorf("%d grants take %d bytes, the limit is %d", n, size, limit)
		}
		sum := 0
		for i := range a.grants.shards {
			for _, s := range a.grants.shards[i].ring {
				sum += s.size()
			}
		}
		if sum != size {
			t.Errorf("%d bytes are counted, there are %d", size, sum)
		}
	})
}

// Who is used keeps its place while others come and go.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &troubledStore{MemoryStore: NewMemoryStore()}
		a := newTestApp(t, newFakeProvider(), store)
		a.grants = newGrantCache(a, 512<<10)
		grants := manyGrants(t, a, 3000)
		hot := grants[:20]
		use := func(list []*Grant) {
			for _, g := range list {
				if _, err := g.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		use(hot)
		before, inBetween := store.reads(), 0
		for i := 20; i < len(grants); i += 20 {
			use(grants[i : i+20])
			use(hot)
			inBetween += 20
		}
		if got := store.reads() - before - inBetween; got > len(hot) {
			t.Errorf("the grants in use were read %d times more", got)
		}
	})
}

// Handles outlive their entries, and whatever they do, each refresh token is
// presented once.
func TestEvictionUnderLiveGrants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
		kept := a.Grant(id)
		for range 10 {
			time.Sleep(16 * time.Minute)
			var calls sync.WaitGroup
			for i := range 50 {
				calls.Go(func() {
					g := kept
					if i%2 == 0 {
						g = a.Grant(id)
					}
					time.Sleep(time.Duration(i) * time.Millisecond)
					squeeze(a.grants)
					if _, err := g.Token(t.Context()); err != nil {
						t.Error(err)
					}
					squeeze(a.grants)
				})
			}
			calls.Wait()
		}
		if got := len(p.sent()); got != 10 {
			t.Errorf("%d token POSTs for 10 expiries", got)
		}
		if row, _ := rowOf(t, a, id); row.Generation != 11 || row.State != StateActive {
			t.Errorf("generation %d, %s", row.Generation, row.State)
		}
	})
}

// A cache too small for anything still works.
func TestCacheOfOneByte(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newTestApp(t, newFakeProvider(), NewMemoryStore())
		a.grants = newGrantCache(a, 1)
		var calls sync.WaitGroup
		for _, g := range manyGrants(t, a, 200) {
			for range 4 {
				calls.Go(func() {
					if _, err := g.Token(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		calls.Wait()
		squeeze(a.grants)
		if n, size := cached(a.grants); n != 0 || size != 0 {
			t.Errorf("%d grants and %d bytes are left", n, size)
		}
	})
}

// Only what is not busy gives way.
func TestBusyGrantsStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakeProvider()
		hold := make(chan struct{})
		p.script = []behaviour{{hold: hold}}
		a, id := signedIn(t, p, NewMemoryStore(), time.Minute)
		time.Sleep(2 * time.Minute)
		g := a.Grant(id)
		answered := make(chan error)
		go func() {
			_, err := g.Token(t.Context())
			answered <- err
		}()
		synctest.Wait()
		squeeze(a.grants)
		if a.Grant(id).state.Load() != g.state.Load() {
			t.Error("there are two states of a grant whose refresh is under way")
		}
		close(hold)
		if err := <-answered; err != nil {
			t.Error(err)
		}
		squeeze(a.grants)
		if n, _ := cached(a.grants); n != 0 {
			t.Errorf("%d grants stay for ever", n)
		}
	})
}

// The process that revoked remembers it beyond the cache.
func TestEvictionForgetsNoRevocation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := NewMemoryStore()
		a, id := signedIn(t, newFakeProvider(), store, 15*time.Minute)
		g := a.Grant(id)
		before, _ := rowOf(t, a, id)
		if err := g.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		squeeze(a.grants)
		store.rows[id] = before // a failover loses the tombstone
		for _, g := range []*Grant{g, a.Grant(id)} {
			if tok, err := g.Token(t.Context()); !errors.Is(err, ErrRevoked) {
				t.Error(tok, err)
			}
		}
		if row, _ := rowOf(t, a, id); row.State != StateTombstone {
			t.Errorf("the tombstone is not written again: %s", row.State)
		}
		if err := a.Close(t.Context()); err != nil { // the provider is being told again
			t.Error(err)
		}
	})
}

func TestRevocationsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r revocations
		first := NewGrantID()
		r.add(first)
		for range 3 * revocationsKept {
			r.add(NewGrantID())
		}
		if n := len(r.latest) + len(r.rest); n > 2*revocationsKept || r.has(first) {
			t.Errorf("%d are kept", n)
		}
		second := NewGrantID()
		r.add(second)
		time.Sleep(revocationsFor + time.Second)
		r.add(first)
		if !r.has(first) || !r.has(second) {
			t.Error("a revocation is forgotten within the hour")
		}
	})
}
