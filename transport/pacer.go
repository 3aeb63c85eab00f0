package transport

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Pacer keeps requests below the rate limits: per credential and [Method], as
// the method describes them and the server's answers correct them. A request
// goes out at once while there is room in the window; then they wait, first
// come, first served, each as long as its own context allows.
//
// The zero Pacer is ready for use. It is safe for concurrent use, runs no
// goroutine, and holds memory for what was sent within the last windows only.
type Pacer struct {
	// Budget, if not nil, is a count shared with other processes. It must not be
	// changed once the Pacer is in use.
	Budget Budget

	mu    sync.Mutex
	lanes map[laneKey]*lane // what goes by one limit
	sweep int               // the number of lanes at which idle ones are dropped
	last  uint64            // the last place given in a queue
}

type laneKey struct{ credential, method string }

func (k laneKey) String() string { return k.credential + " " + k.method }

// lane is one limit and who waits for it.
type lane struct {
	window window
	queue  list.List   // of *waiter, by place
	timer  *time.Timer // calls admit; nil or stopped while nobody waits
}

// place is a request's in the queue; none until it has to queue.
type place struct {
	number uint64
	since  time.Time
}

type waiter struct {
	place uint64
	turn  turn          // set before ready is closed
	ready chan struct{} // closed when it is the waiter's turn
}

const minSweep = 256

// lane returns the lane of key. Dropping idle lanes whenever their number has
// doubled costs little per request, and bounds it by twice those in use.
func (p *Pacer) lane(key laneKey, limit Limit) *lane {
	if l := p.lanes[key]; l != nil {
		return l
	}
	if p.lanes == nil {
		p.lanes, p.sweep = make(map[laneKey]*lane), minSweep
	}
	if len(p.lanes) >= p.sweep {
		now := time.Now()
		for k, l := range p.lanes {
			if l.queue.Len() == 0 && l.window.idle(now) {
				delete(p.lanes, k)
			}
		}
		p.sweep = max(2*len(p.lanes), minSweep)
	}
	if limit.Per <= 0 {
		limit = Limit{}
	}
	l := &lane{window: window{limit: limit}}
	p.lanes[key] = l
	return l
}

// turn waits for a request's turn and returns it with the limit in force. A
// request without a place gets the last one in the queue.
func (p *Pacer) turn(ctx context.Context, key laneKey, limit Limit, at *place) (turn, Limit, error) {
	if ctx.Err() != nil {
		return turn{}, limit, context.Cause(ctx)
	}
	p.mu.Lock()
	l := p.lane(key, limit)
	now := time.Now()
	if l.queue.Len() == 0 {
		if t, wait := l.window.take(now); wait <= 0 {
			limit = l.window.limit
			p.mu.Unlock()
			return t, limit, nil
		}
	}
	if at.number == 0 {
		p.last++
		*at = place{p.last, now}
	}
	w := &waiter{place: at.number, ready: make(chan struct{})}
	element, ahead := l.enqueue(w)
	if deadline, ok := ctx.Deadline(); ok {
		if wait := l.window.until(now, ahead); now.Add(wait).After(deadline) {
			l.queue.Remove(element)
			p.mu.Unlock()
			return turn{}, limit, &WaitError{Method: key.method, Wait: wait}
		}
	}
	p.admit(l)
	p.mu.Unlock()

	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		select {
		case <-w.ready:
			l.window.untake(w.turn)
		default:
			l.queue.Remove(element)
		}
		p.admit(l)
		return turn{}, limit, context.Cause(ctx)
	}
	return w.turn, l.window.limit, nil
}

// enqueue puts w into its place and returns how many are before it.
func (l *lane) enqueue(w *waiter) (e *list.Element, ahead int) {
	if back := l.queue.Back(); back == nil || back.Value.(*waiter).place < w.place {
		return l.queue.PushBack(w), l.queue.Len() - 1
	}
	for e = l.queue.Front(); e.Value.(*waiter).place < w.place; e = e.Next() {
		ahead++
	}
	return l.queue.InsertBefore(w, e), ahead
}

// admit lets those go whose turn it is, and is called again when there is room
// for the next.
func (p *Pacer) admit(l *lane) {
	for {
		front := l.queue.Front()
		if front == nil {
			if l.timer != nil {
				l.timer.Stop()
			}
			return
		}
		t, wait := l.window.take(time.Now())
		if wait > 0 {
			if l.timer == nil {
				l.timer = time.AfterFunc(wait, func() {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.admit(l)
				})
			} else {
				l.timer.Reset(wait)
			}
			return
		}
		w := front.Value.(*waiter)
		l.queue.Remove(front)
		w.turn = t
		close(w.ready)
	}
}

// giveBack returns a turn that was not used, and has all wait if the shared
// budget says so.
func (p *Pacer) giveBack(key laneKey, t turn, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[key]
	if l == nil {
		return
	}
	l.window.untake(t)
	if wait > 0 {
		l.window.blocked = latest(l.window.blocked, time.Now().Add(min(wait, maxBlock)))
	}
	p.admit(l)
}
