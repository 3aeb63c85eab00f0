package oauth

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
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

// A grant that is lost has its lines, and uses of one that has ended have none:
// no refresh fails, and a page that stays open would fill the log. What this
// process did is not put down to another one.
func TestUsesOfADeadGrantAreNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p, store := newFakeProvider(), NewMemoryStore()
		_, lost := signedIn(t, p, store, time.Hour)
		_, revoked := signedIn(t, p, store, time.Hour)
		a := appOver(t, p, store, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
		p.familyOK = false
		if _, err := a.Grant(lost).Refresh(t.Context()); !errors.Is(err, ErrNeedsReauth) {
			t.Fatal(err)
		}
		if err := a.Grant(revoked).Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the access token of the lost one lives, and is looked at
		for _, id := range []GrantID{lost, revoked, NewGrantID()} {
			for range 3 {
				if _, err := a.Grant(id).Token(t.Context()); !errors.Is(err, ErrNeedsReauth) {
					t.Error(err)
				}
			}
		}
		lines := out.String()
		if strings.Count(lines, "level=WARN") != 2 || strings.Count(lines, `msg="grant lost"`) != 1 || strings.Count(lines, `msg="refresh failed"`) != 1 {
			t.Errorf("want a grant that is lost, and why, once:\n%s", lines)
		}
		if strings.Count(lines, `msg="the grant has ended"`) != 1 || strings.Contains(lines, "another process") {
			t.Errorf("nobody else was there:\n%s", lines)
		}
	})
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
