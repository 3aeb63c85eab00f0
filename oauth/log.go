package oauth

import (
	"context"
	"log/slog"
)

// calmHandler is the application's, whose panics end here: a line is written
// while the only copy of a refresh token waits to be stored.
type calmHandler struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h calmHandler) Enabled(ctx context.Context, level slog.Level) (yes bool) {
	protected(func() { yes = h.Handler.Enabled(ctx, level) })
	return yes
}

// Handle implements slog.Handler.
func (h calmHandler) Handle(ctx context.Context, r slog.Record) (err error) {
	protected(func() { err = h.Handler.Handle(ctx, r) })
	return err
}

// WithAttrs implements slog.Handler.
func (h calmHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calmHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h calmHandler) WithGroup(name string) slog.Handler {
	return calmHandler{h.Handler.WithGroup(name)}
}
