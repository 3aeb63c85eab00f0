package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Telemetry hears of what requests do on their way: [NewLog] writes it down,
// package oteltransport makes spans and metrics of it. It is safe for
// concurrent use.
type Telemetry interface {
	// RoundTripper returns a RoundTripper that sends through base and observes
	// each attempt, and each hop of a redirect, as it goes over the network. The
	// requests have their credential already: no header may be told to anyone.
	RoundTripper(base http.RoundTripper) http.RoundTripper
	// Waited is called with the request's context after a request has waited.
	// Requests that go out at once do not count.
	Waited(ctx context.Context, w Wait)
}

// Wait tells of a request that has waited.
type Wait struct {
	// Reason is what it waited for.
	Reason WaitReason
	// Took is how long it waited.
	Took time.Duration
	// Err is why it was in vain; nil if the request went out after it.
	Err error
}

// WaitReason is what requests wait for.
type WaitReason string

const (
	// WaitTurn is for a turn below a rate limit.
	WaitTurn WaitReason = "turn"
	// WaitRetry is until a request that failed is sent again.
	WaitRetry WaitReason = "retry"
)

// waited is nil if nobody listens.
func (l Layers) waited() func(context.Context, Wait) {
	if len(l.Telemetry) == 0 {
		return nil
	}
	return func(ctx context.Context, w Wait) {
		for _, t := range l.Telemetry {
			t.Waited(ctx, w)
		}
	}
}

// ErrorType says in a word why a RoundTripper has failed: "canceled",
// "timeout", "dns", "tls", the name of a network operation, "dial", "read" or
// "write", and "_OTHER" for the rest. Unlike the text of such an error it has
// few values, and nothing of a request or an answer.
func ErrorType(err error) string {
	if errors.Is(err, context.Canceled) {
		return "canceled"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if _, alert := errors.AsType[tls.AlertError](err); untrusted || alert {
		return "tls"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "dial", "read", "write":
			return op.Op
		case "proxyconnect":
			return "dial"
		}
	}
	return "_OTHER"
}
