//go:build unix

package killtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"

	"github.com/rblx-go/opencloud/oauth"
)

// point is a moment of a refresh.
type point string

const (
	beforeIntent point = "before the intent"
	afterIntent  point = "after the intent"
	beforeSend   point = "before sending"
	sent         point = "sent"
	answered     point = "answered"
	beforeCommit point = "before the commit"
	afterCommit  point = "after the commit"
)

func points() []point {
	return []point{beforeIntent, afterIntent, beforeSend, sent, answered, beforeCommit, afterCommit}
}

// gate holds a process at one point until it is let go.
type gate struct {
	at   point
	tell io.Writer // hears once that the point is reached
	goOn chan struct{}
	once sync.Once

	announced atomic.Uint64 // the generation of the last intent
}

func (g *gate) reach(p point) {
	if p != g.at {
		return
	}
	g.once.Do(func() { fmt.Fprintln(g.tell, reached) })
	<-g.goOn
}

// gatedStore is a store with the points of its swaps.
type gatedStore struct {
	store
	gate *gate
}

// Swap implements oauth.Store.
func (s gatedStore) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	before, after := beforeCommit, afterCommit
	switch {
	case row.Intent != nil:
		before, after = beforeIntent, afterIntent
		s.gate.announced.Store(row.Generation)
	case row.Generation == s.gate.announced.Load(): // it is taken back: the budget was over on a busy machine
		return s.store.Swap(ctx, old, row)
	}
	s.gate.reach(before)
	stored, err := s.store.Swap(ctx, old, row)
	if err == nil {
		s.gate.reach(after)
	}
	return stored, err
}

// gatedLocker is a gatedStore that can tell whether a process lives.
type gatedLocker struct {
	gatedStore
	locker oauth.FlightLocker
}

// LockFlight implements oauth.FlightLocker.
func (s gatedLocker) LockFlight(ctx context.Context, id oauth.GrantID) (release func(), err error) {
	return s.locker.LockFlight(ctx, id)
}

// gated is s with the points of its swaps, and what else it can do.
func gated(s store, g *gate) oauth.Store {
	if locker, ok := s.(oauth.FlightLocker); ok {
		return gatedLocker{gatedStore{s, g}, locker}
	}
	return gatedStore{s, g}
}

// gatedSender is a RoundTripper with the points of a token request.
type gatedSender struct {
	base http.RoundTripper
	gate *gate
}

// RoundTrip implements http.RoundTripper.
func (s gatedSender) RoundTrip(r *http.Request) (*http.Response, error) {
	s.gate.reach(beforeSend)
	resp, err := s.base.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteRequest: func(wrote httptrace.WroteRequestInfo) {
			if wrote.Err == nil {
				s.gate.reach(sent)
			}
		},
	})))
	if err != nil {
		return nil, err
	}
	s.gate.reach(sent) // the answer may have come while the other goroutine is held
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	s.gate.reach(answered)
	return resp, err
}
