// Package redistest gives tests the Redis that they need: one that all share,
// servers and clusters of their own, or one in memory where there is none.
package redistest

import (
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// Shared returns the URL of a Redis that other tests use, too, so that all keys
// need a prefix: the one that RBLX_TEST_REDIS names, or the one at
// 127.0.0.1:6379. Where there is none it is a miniredis, unless RBLX_REQUIRE=1.
func Shared(t testing.TB) string {
	t.Helper()
	if address := os.Getenv("RBLX_TEST_REDIS"); address != "" {
		if _, err := url.Parse(address); err != nil || !strings.Contains(address, "://") {
			t.Fatal("RBLX_TEST_REDIS: want a URL, redis://127.0.0.1:6379")
		}
		return address
	}
	const usual = "127.0.0.1:6379"
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", usual)
	if err == nil {
		_ = conn.Close()
		return "redis://" + usual
	}
	if os.Getenv("RBLX_REQUIRE") == "1" {
		testenv.Skip(t, "no Redis at %s", usual)
	}
	return "redis://" + InMemory(t, nil)
}

// InMemory starts a miniredis and returns its address. It says of itself what a
// Redis 7 says that keeps nothing. A hook sees each command first, also those of
// scripts, and returns whether it has answered it.
func InMemory(t testing.TB, hook func(c *server.Peer, command string) bool) string {
	t.Helper()
	m := miniredis.RunT(t)
	m.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
		if hook != nil && hook(c, command) {
			return true
		}
		if command != "INFO" {
			return false
		}
		c.WriteBulk("redis_version:7.0.0\r\nrole:master\r\nmaster_replid:" + strings.Repeat("0", 40) +
			"\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\ncluster_enabled:0\r\n")
		return true
	})
	return m.Addr()
}
