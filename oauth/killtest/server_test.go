//go:build unix

package killtest

import (
	"testing"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/internal/redistest"
)

// server is what keeps a store on its own.
type server interface {
	Kill(t testing.TB) // by SIGKILL
	Restart(t testing.TB)
}

// servers start a server of each kind of store that has one, with the place of
// an empty store in it.
func servers() map[string]func(t *testing.T) (s server, place string) {
	return map[string]func(*testing.T) (server, string){
		"postgres": func(t *testing.T) (server, string) {
			t.Helper()
			s := pgtest.Start(t)
			return s, s.DSN
		},
		"redis":          startRedis("appendonly", "yes", "appendfsync", "always"),
		"redis everysec": startRedis("appendonly", "yes", "appendfsync", "everysec"),
	}
}

func startRedis(settings ...string) func(t *testing.T) (server, string) {
	return func(t *testing.T) (server, string) {
		t.Helper()
		s := redistest.Start(t, settings...)
		return s, s.URL()
	}
}
