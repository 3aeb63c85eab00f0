package transport

import (
	"context"
	"fmt"
	"time"
)

// Budget is a count of requests that several processes share, so that they stay
// below a rate limit together. A [Pacer] asks it after its own count and just
// before a request is sent; package redispace has one in Redis.
//
// Windows are fixed and aligned to the clock, as Roblox's are: one of a minute
// begins with each full minute.
type Budget interface {
	// Take takes one request of key, which stands for a credential and a method,
	// out of what limit leaves in the current window. It returns zero if it did,
	// and how long to wait before it is worth asking again otherwise. Take
	// returns when ctx is done. After an error the Pacer's own count decides
	// alone: a budget that cannot be reached stops nobody.
	Take(ctx context.Context, key string, limit Limit) (wait time.Duration, err error)
}

// WaitError is returned in place of sending a request whose turn would come
// after its context's deadline. It is a context.DeadlineExceeded before its time.
type WaitError struct {
	// Method is the name of the method whose limit it is.
	Method string
	// Wait is how long the request would have had to wait.
	Wait time.Duration
}

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("transport: the rate limit of %s leaves room in %s, after the deadline", e.Method, e.Wait.Round(time.Millisecond))
}

// Unwrap returns context.DeadlineExceeded.
func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }
