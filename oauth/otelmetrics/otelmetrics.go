// Package otelmetrics measures an oauth.App with OpenTelemetry: give what Trace
// returns to oauth.Config, and call CountGrants if you want to know how many
// grants are alive. The folder also has dashboard.json, a Grafana dashboard for
// these metrics as Prometheus names them.
//
// No attribute is a grant, a user or a secret: each has few values.
package otelmetrics

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/rblx-go/opencloud/oauth"
)

const scope = "github.com/rblx-go/opencloud/oauth"

// Values of the attribute outcome.
const (
	outcomeOK          = "ok"
	outcomeRefused     = "refused"     // invalid_grant, or an expired or revoked grant
	outcomeFailed      = "failed"      // any other answer of the provider, or none
	outcomeConflict    = "conflict"    // somebody else wrote first
	outcomeUnavailable = "unavailable" // the store did not answer, or not with success
	outcomeLeft        = "left"        // the caller's context ended first
)

// instruments are the metrics, each named as OpenTelemetry names them: dots,
// and units apart.
type instruments struct {
	changes       metric.Int64Counter
	losses        metric.Int64Counter
	requests      metric.Float64Histogram
	waits         metric.Float64Histogram
	store         metric.Float64Histogram
	commitPending metric.Int64UpDownCounter
}

// Trace returns what an App calls to be measured. A nil provider means
// OpenTelemetry's global one. The metrics are
//
//   - rblx.oauth.changes: committed changes of grants, by kind: signed_in,
//     refreshed, adopted (another process refreshed), needs_reauth, revoked.
//   - rblx.oauth.losses: grants whose users have to sign in again, by reason.
//   - rblx.oauth.token_request.duration: requests that present a refresh token,
//     in seconds, by outcome and by whether it was a probe.
//   - rblx.oauth.wait.duration: how long callers waited for tokens, in seconds,
//     by outcome. Callers that find a live token do not count.
//   - rblx.oauth.store.duration: reads and writes of the store, in seconds, by
//     operation and outcome.
//   - rblx.oauth.commit_pending: refresh tokens received and not yet stored. It
//     is zero but for moments; while it is not, a crash loses a grant.
func Trace(provider metric.MeterProvider) (*oauth.Trace, error) {
	m, err := newInstruments(meter(provider))
	if err != nil {
		return nil, err
	}
	return &oauth.Trace{
		Change: m.change,
		TokenRequest: func(took time.Duration, probe bool, err error) {
			m.requests.Record(context.Background(), took.Seconds(), metric.WithAttributes(
				attribute.String("outcome", requestOutcome(err)), attribute.Bool("probe", probe)))
		},
		Wait: func(took time.Duration, err error) {
			m.waits.Record(context.Background(), took.Seconds(), metric.WithAttributes(attribute.String("outcome", waitOutcome(err))))
		},
		Store: func(operation string, took time.Duration, err error) {
			m.store.Record(context.Background(), took.Seconds(), metric.WithAttributes(
				attribute.String("operation", operation), attribute.String("outcome", storeOutcome(err))))
		},
		CommitPending: func(delta int) { m.commitPending.Add(context.Background(), int64(delta)) },
	}, nil
}

func meter(provider metric.MeterProvider) metric.Meter {
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	return provider.Meter(scope)
}

func newInstruments(m metric.Meter) (i instruments, err error) {
	seconds := func(name, what string, bounds ...float64) metric.Float64Histogram {
		h, e := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
		err = errors.Join(err, e)
		return h
	}
	counter := func(name, unit, what string) metric.Int64Counter {
		c, e := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		err = errors.Join(err, e)
		return c
	}
	i.changes = counter("rblx.oauth.changes", "{change}", "Committed changes of grants.")
	i.losses = counter("rblx.oauth.losses", "{grant}", "Grants whose users have to sign in again.")
	i.requests = seconds("rblx.oauth.token_request.duration", "Requests that present a refresh token.", .05, .1, .2, .5, 1, 2, 5, 10, 20)
	i.waits = seconds("rblx.oauth.wait.duration", "Waits of callers for tokens.", .005, .01, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60)
	i.store = seconds("rblx.oauth.store.duration", "Operations of the store.", .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5, 10)
	var e error
	i.commitPending, e = m.Int64UpDownCounter("rblx.oauth.commit_pending", metric.WithUnit("{token}"),
		metric.WithDescription("Refresh tokens received and not yet stored."))
	return i, errors.Join(err, e)
}

func (i *instruments) change(e oauth.TokenEvent) {
	i.changes.Add(context.Background(), 1, metric.WithAttributes(attribute.String("kind", string(e.Kind))))
	if e.Kind == oauth.EventNeedsReauth {
		i.losses.Add(context.Background(), 1, metric.WithAttributes(attribute.String("reason", string(e.Reason))))
	}
}

func requestOutcome(err error) string {
	fail, ok := errors.AsType[*oauth.ProviderError](err)
	switch {
	case err == nil:
		return outcomeOK
	case ok && fail.Code == "invalid_grant":
		return outcomeRefused
	}
	return outcomeFailed
}

func waitOutcome(err error) string {
	switch {
	case err == nil:
		return outcomeOK
	case errors.Is(err, oauth.ErrNeedsReauth):
		return outcomeRefused
	case errors.Is(err, oauth.ErrStoreUnavailable):
		return outcomeUnavailable
	case errors.As(err, new(*oauth.ProviderError)):
		return outcomeFailed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // of nothing above, which have deadlines too
		return outcomeLeft
	}
	return outcomeFailed
}

func storeOutcome(err error) string {
	switch {
	case err == nil, errors.Is(err, oauth.ErrNoGrant):
		return outcomeOK
	case errors.Is(err, oauth.ErrConflict):
		return outcomeConflict
	}
	return outcomeUnavailable
}
