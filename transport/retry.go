package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Retry sends requests again that failed for the moment, if they may be sent
// again. What may is decided by the [Class] of the request's [Method], or by
// its verb if its context has none:
//
//   - Whatever the class, a request that was answered with 429, or that never
//     reached a connection, was not executed and is sent again.
//   - Safe and Idempotent requests, and IdempotentByKey ones that carry a key,
//     are sent again after a lost connection and after 408, 500, 502, 503, 504
//     and their like.
//   - Nothing else is sent again, nor what has a body without GetBody.
//
// Attempts are apart by an exponential backoff from half a second to ten, with
// full jitter, on top of what [RetryAfter] says. An answer is returned at once,
// as it is, if the next attempt would come after the context's deadline or
// later than MaxWait, or if the host has failed too often: beyond a burst of
// ten, one attempt a second and one for ten successes are sent again per host,
// so that an outage is not multiplied.
//
// The zero Retry is ready for use, and safe for concurrent use.
type Retry struct {
	// Attempts is how often a request is sent at most. 0 means 4; with 1 nothing
	// is sent again.
	Attempts int
	// MaxWait is the longest wait between two attempts, 0 means 90 seconds.
	MaxWait time.Duration

	mu    sync.Mutex
	hosts map[string]*allowance
}

const (
	defaultAttempts = 4
	defaultMaxWait  = 90 * time.Second
)

// RoundTripper returns a RoundTripper that sends through base. All those of
// one Retry share what they know of hosts.
//
// After the last attempt its outcome is returned, response or error, and no
// error of its own, also if the deadline passes during a wait after all. The one
// exception is a caller who cancels during a wait and so does not want the
// answer: then, as of any request that is canceled, the error is the cause.
func (p *Retry) RoundTripper(base http.RoundTripper) http.RoundTripper {
	return p.roundTripper(base, nil)
}

func (p *Retry) roundTripper(base http.RoundTripper, waited func(context.Context, Wait)) http.RoundTripper {
	return &retryTransport{policy: p, base: orDefault(base), waited: waited}
}

type retryTransport struct {
	policy *Retry
	base   http.RoundTripper
	waited func(context.Context, Wait) // nil if nobody listens
}

// RoundTrip implements http.RoundTripper.
func (t *retryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	req, last := r, attempt{}
	for n := 1; ; n++ {
		a := attempt{}
		a.resp, a.err = t.base.RoundTrip(req)
		if NotSent(a.err) && n > 1 {
			return last.resp, last.err // the answer before says more
		}
		last.close()
		last = a
		again := a.mayRepeat(r)
		if a.resp != nil && !again {
			t.policy.succeeded(r.URL.Host)
		}
		if !again || n >= t.policy.attempts() {
			return a.resp, a.err
		}
		next, err := rewind(r, n)
		if err != nil {
			return a.resp, a.err // the answer says more
		}
		wait, ok := t.policy.wait(r, a, n)
		if !ok {
			closeBody(next)
			return a.resp, a.err
		}
		last.hold()
		if err := t.sleep(next, wait); err != nil {
			closeBody(next)
			if errors.Is(r.Context().Err(), context.DeadlineExceeded) {
				return a.resp, a.err
			}
			last.close()
			return nil, err
		}
		req = next
	}
}

// sleep waits until the next attempt. The error is the cause of its context.
func (t *retryTransport) sleep(next *http.Request, wait time.Duration) error {
	ctx := next.Context()
	start, err := time.Now(), error(nil)
	if !sleep(ctx, wait) {
		err = context.Cause(ctx)
	}
	if t.waited != nil {
		t.waited(ctx, Wait{Reason: WaitRetry, Took: time.Since(start), Err: err})
	}
	return err
}

// CredentialID returns that of base, empty if it has none.
func (t *retryTransport) CredentialID() string { return credentialID(t.base) }

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *retryTransport) CloseIdleConnections() { closeIdle(t.base) }

func (p *Retry) attempts() int {
	if p.Attempts == 0 {
		return defaultAttempts
	}
	return p.Attempts
}

// wait returns how long to wait after the n-th attempt, and whether to make
// another one.
func (p *Retry) wait(r *http.Request, a attempt, n int) (time.Duration, bool) {
	maxWait := p.MaxWait
	if maxWait == 0 {
		maxWait = defaultMaxWait
	}
	var asked time.Duration
	if a.resp != nil {
		asked = RetryAfter(a.resp)
	}
	wait := asked + backoff(n)
	if asked > maxWait {
		return 0, false
	}
	if deadline, ok := r.Context().Deadline(); ok && time.Now().Add(wait).After(deadline) {
		return 0, false
	}
	// A server that says when to come again is not one that is failing.
	if a.limited() && asked > 0 {
		return wait, true
	}
	return wait, p.allow(r.URL.Host)
}

// rewind returns the request for the attempt after the n-th.
func rewind(r *http.Request, n int) (*http.Request, error) {
	next := r.WithContext(context.WithValue(r.Context(), attemptKey{}, n+1))
	if bare(r) {
		return next, nil
	}
	if r.GetBody == nil {
		return nil, errNoGetBody
	}
	body, err := r.GetBody()
	next.Body = body
	return next, err
}

// sleep reports whether it was not woken by the context.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

type attemptKey struct{}

// Attempt returns the number of the attempt that a RoundTripper beneath [Retry]
// is part of; the first is 1.
func Attempt(ctx context.Context) int {
	if n, ok := ctx.Value(attemptKey{}).(int); ok {
		return n
	}
	return 1
}
