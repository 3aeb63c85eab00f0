package transport

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// NewLog returns Telemetry that writes each attempt and each wait to logger, at
// the level debug: the [Method]'s name, verb and path template, the host, the
// status or the [ErrorType], the duration until the answer's header was
// received, the number of the attempt and Roblox's id of the request. No URL, header or
// body is ever logged. While the logger does not take that level, requests
// pass at the cost of asking it.
func NewLog(logger *slog.Logger) Telemetry { return logged{logger} }

type logged struct{ logger *slog.Logger }

// RoundTripper implements Telemetry.
func (l logged) RoundTripper(base http.RoundTripper) http.RoundTripper {
	return &logTransport{l.logger, orDefault(base)}
}

// Waited implements Telemetry.
func (l logged) Waited(ctx context.Context, w Wait) {
	if !l.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.Int("attempt", Attempt(ctx)), slog.Duration("duration", w.Took)}
	if m := MethodFrom(ctx); m != nil {
		attrs = append(attrs, slog.String("method", m.Name))
	}
	if w.Err != nil {
		attrs = append(attrs, slog.Bool("sent", false))
	}
	what := "roblox request waited for its turn"
	if w.Reason == WaitRetry {
		what = "roblox request waited to be sent again"
	}
	l.logger.LogAttrs(ctx, slog.LevelDebug, what, attrs...)
}

type logTransport struct {
	logger *slog.Logger
	base   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *logTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if !t.logger.Enabled(ctx, slog.LevelDebug) {
		return t.base.RoundTrip(r)
	}
	start := time.Now()
	resp, err := t.base.RoundTrip(r)
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("verb", r.Method), slog.String("host", r.URL.Host),
		slog.Int("attempt", Attempt(ctx)), slog.Duration("duration", time.Since(start)))
	if m := MethodFrom(ctx); m != nil {
		attrs = append(attrs, slog.String("method", m.Name), slog.String("path", m.Path))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error_type", ErrorType(err)))
	} else {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
		if id := resp.Header.Get("X-Request-Id"); id != "" {
			attrs = append(attrs, slog.String("request_id", strings.ToValidUTF8(id[:min(len(id), maxRequestID)], "")))
		}
	}
	t.logger.LogAttrs(ctx, slog.LevelDebug, "roblox request", attrs...)
	return resp, err
}

// maxRequestID is the most of an answer's id that is logged. Roblox's have 36.
const maxRequestID = 100

// CredentialID returns that of base, empty if it has none.
func (t *logTransport) CredentialID() string { return credentialID(t.base) }

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *logTransport) CloseIdleConnections() { closeIdle(t.base) }
