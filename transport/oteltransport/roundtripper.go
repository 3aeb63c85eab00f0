package oteltransport

import (
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/rblx-go/opencloud/transport"
)

type roundTripper struct {
	*telemetry
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	s := t.known.of(r)
	ctx, span := t.tracer.Start(r.Context(), s.name, s.start...)
	defer span.End()
	if n := transport.Attempt(ctx); n > 1 {
		span.SetAttributes(attribute.Int("http.request.resend_count", n-1))
		t.retries.Add(ctx, 1, s.retry...)
	}
	start := time.Now()
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	took := time.Since(start)

	how := s.result(&t.known, resp, err)
	span.SetAttributes(how.span...)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		span.SetStatus(codes.Error, "") // error.type says more
	}
	t.duration.Record(ctx, took.Seconds(), how.metric...)
	return resp, err
}

// CredentialID returns that of base, empty if it has none.
func (t *roundTripper) CredentialID() string {
	if c, ok := t.base.(interface{ CredentialID() string }); ok {
		return c.CredentialID()
	}
	return ""
}

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *roundTripper) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
