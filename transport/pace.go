package transport

import (
	"context"
	"net/http"
	"time"
)

// RoundTripper returns a RoundTripper that has each request wait for its turn
// and passes what the answers tell back to p. A request is paced if its context
// has a [Method] and it goes to an allowed origin; all others pass at once. The
// requests of cred are counted apart from those of other credentials. nil
// means that base knows the credential.
//
// The error of a request whose deadline comes before its turn is a [*WaitError].
func (p *Pacer) RoundTripper(base http.RoundTripper, cred Credential, allowed Origins) http.RoundTripper {
	return p.roundTripper(base, cred, allowed, nil)
}

func (p *Pacer) roundTripper(base http.RoundTripper, cred Credential, allowed Origins, waited func(context.Context, Wait)) http.RoundTripper {
	t := &paceTransport{pacer: p, base: orDefault(base), allowed: allowed, limit: leastLimit, waited: waited}
	if cred != nil {
		t.credential = cred.CredentialID()
		t.limit = func(m *Method) Limit { return m.TokenLimit }
		if _, ok := cred.(*apiKey); ok {
			t.limit = func(m *Method) Limit { return m.KeyLimit }
		}
	}
	return t
}

// leastLimit is for requests whose credential may be of either kind.
func leastLimit(m *Method) Limit {
	k, t := m.KeyLimit, m.TokenLimit
	if t.Max <= 0 || t.Per <= 0 || k.Max > 0 && float64(k.Max)/float64(k.Per) <= float64(t.Max)/float64(t.Per) {
		return k
	}
	return t
}

type paceTransport struct {
	pacer      *Pacer
	base       http.RoundTripper
	credential string
	limit      func(*Method) Limit
	allowed    Origins
	waited     func(context.Context, Wait) // nil if nobody listens
}

// RoundTrip implements http.RoundTripper.
func (t *paceTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	m := MethodFrom(r.Context())
	if m == nil || !t.allowed.Allows(r.URL) {
		return t.base.RoundTrip(r)
	}
	lane := laneKey{t.credential, m.Name}
	turn, err := t.wait(r.Context(), lane, t.limit(m))
	if err != nil {
		closeBody(r)
		return nil, err
	}
	resp, err := t.base.RoundTrip(r)
	switch {
	case err == nil:
		t.pacer.answered(lane, turn, resp)
	case NotSent(err):
		t.pacer.giveBack(lane, turn, 0)
	}
	return resp, err
}

// CredentialID returns that of base, empty if it has none.
func (t *paceTransport) CredentialID() string { return credentialID(t.base) }

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *paceTransport) CloseIdleConnections() { closeIdle(t.base) }

// wait returns when the request may be sent.
func (t *paceTransport) wait(ctx context.Context, key laneKey, limit Limit) (turn, error) {
	var p place
	turn, err := t.pacer.wait(ctx, key, limit, &p)
	if t.waited != nil && p.number != 0 {
		t.waited(ctx, Wait{Reason: WaitTurn, Took: time.Since(p.since), Err: err})
	}
	return turn, err
}

// wait returns when the request may be sent. It keeps its place in the queue if
// the shared budget has none left.
func (p *Pacer) wait(ctx context.Context, key laneKey, limit Limit, at *place) (turn, error) {
	for {
		t, limit, err := p.turn(ctx, key, limit, at)
		if err != nil || p.Budget == nil || limit.Max <= 0 {
			return t, err
		}
		wait, err := p.Budget.Take(ctx, key.String(), limit)
		switch {
		case err == nil && wait <= 0:
			return t, nil
		case ctx.Err() != nil:
			p.giveBack(key, t, 0)
			return turn{}, context.Cause(ctx)
		case err != nil:
			return t, nil //nolint:nilerr // our own count holds
		}
		p.giveBack(key, t, wait)
	}
}

// answered tells the pacer what an answer says.
func (p *Pacer) answered(key laneKey, t turn, resp *http.Response) {
	refused := resp.StatusCode == http.StatusTooManyRequests
	rate, wait := RateOf(resp.Header), time.Duration(0)
	if refused {
		wait = RetryAfter(resp)
	} else if !rate.Known && rate.Limit.Max == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[key]
	if l == nil {
		return
	}
	l.window.answered(t, time.Now(), refused, rate, wait)
	p.admit(l)
}
