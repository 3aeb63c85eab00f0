// Package oteltransport makes OpenTelemetry spans and metrics of requests: give
// what New returns to opencloud.Options.Telemetry, or to transport.Layers.
//
// Names and attributes follow the semantic conventions for HTTP clients, but
// that a span is named by the transport.Method, "users.GetUser", and that no
// URL is recorded, only its template and host. No attribute is an id, a query, a
// header, a body or a secret: each has few values. No trace context is sent to
// the server.
package oteltransport

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/rblx-go/opencloud/transport"
)

const scope = "github.com/rblx-go/opencloud/transport"

// methodKey is the attribute of metrics that has a transport.Method's name.
const methodKey = attribute.Key("rblx.method")

// Values of the attribute outcome.
const (
	outcomeOK     = "ok"
	outcomeLeft   = "left"    // the caller's context ended first
	outcomeNoTime = "no_time" // the turn would have come after the deadline: not sent
)

// telemetry is what New returns.
type telemetry struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	retries  metric.Int64Counter
	waits    metric.Float64Histogram
	known    seriesCache
}

// New returns what makes a span of each attempt, a child of the span in the
// context of the call, and these metrics. A nil provider means OpenTelemetry's
// global one.
//
//   - http.client.request.duration: attempts, in seconds until the answer's
//     header was received, by method, status, or error.type if there was none.
//   - rblx.client.retries: attempts that were not a request's first, by method.
//   - rblx.client.wait.duration: how long requests waited, in seconds, by method,
//     by reason: turn (theirs below a rate limit) or retry (until they were sent
//     again), and by outcome: ok, left (the caller's context ended) or no_time
//     (the turn came too late). Those that go out at once do not count.
func New(traces trace.TracerProvider, meters metric.MeterProvider) (transport.Telemetry, error) {
	if traces == nil {
		traces = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	m := meters.Meter(scope)
	t := &telemetry{tracer: traces.Tracer(scope)}
	var first, second, third error
	t.duration, first = m.Float64Histogram("http.client.request.duration", metric.WithUnit("s"), metric.WithDescription("Duration of HTTP client requests."),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10))
	t.retries, second = m.Int64Counter("rblx.client.retries", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that were sent again."))
	t.waits, third = m.Float64Histogram("rblx.client.wait.duration", metric.WithUnit("s"), metric.WithDescription("Waits for a turn below a rate limit, or to be sent again."),
		metric.WithExplicitBucketBoundaries(.01, .1, .5, 1, 2, 5, 10, 20, 30, 60, 120))
	return t, errors.Join(first, second, third)
}

// RoundTripper implements transport.Telemetry.
func (t *telemetry) RoundTripper(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &roundTripper{t, base}
}

// Waited implements transport.Telemetry.
func (t *telemetry) Waited(ctx context.Context, w transport.Wait) {
	outcome := outcomeOK
	if _, early := errors.AsType[*transport.WaitError](w.Err); early {
		outcome = outcomeNoTime
	} else if w.Err != nil {
		outcome = outcomeLeft
	}
	t.waits.Record(ctx, w.Took.Seconds(), metric.WithAttributes(
		methodKey.String(methodName(ctx)), attribute.String("reason", string(w.Reason)), attribute.String("outcome", outcome)))
}

// methodName returns "" for a request that belongs to no method.
func methodName(ctx context.Context) string {
	if m := transport.MethodFrom(ctx); m != nil {
		return m.Name
	}
	return ""
}
