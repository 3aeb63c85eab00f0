package oauth

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// panickyLog is a handler that panics at errors, at once or when it is to write
// of them.
type panickyLog struct {
	slog.Handler
	atOnce bool
}

func (h panickyLog) Enabled(_ context.Context, level slog.Level) bool {
	if level >= slog.LevelError && h.atOnce {
		panic("a bug")
	}
	return true
}

func (panickyLog) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		panic("a bug")
	}
	return nil
}

// A log handler that panics while a pair waits does not keep it from being stored.
func TestLoggingPanics(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newFakeProvider(), &troubledStore{MemoryStore: NewMemoryStore()}
			_, id := signedIn(t, p, store, time.Minute)
			a := appOver(t, p, store, func(c *Config) { c.Logger = slog.New(panickyLog{atOnce: atOnce}) })
			time.Sleep(2 * time.Minute)
			store.set(func(n int, _ Row) (bool, error) {
				if n == 2 { // the commit, once
					return false, ErrNotWritten
				}
				return true, nil
			})
			if tok, err := a.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" || len(p.sent()) != 1 {
				t.Error(tok, err, p.sent())
			}
		})
	}
}
