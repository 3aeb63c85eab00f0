package redisstore

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
)

const password = "canary-of-a-password"

// rights are those that the package's documentation lists, for the prefix rblx.
func rights() []any {
	list := []any{"~rblx:*", "&rblx:*"}
	for command := range strings.FieldsSeq("evalsha eval info time get set exists del hset hmget hdel zadd zrem zscore zcard zrange zrangebylex zrangebyscore zremrangebyscore pexpireat publish subscribe unsubscribe ping cluster command") {
		list = append(list, "+"+command)
	}
	return list
}

func user(t *testing.T, s *redistest.Server, rights ...any) string {
	t.Helper()
	s.Do(t, append([]any{"acl", "setuser", "app", "reset", "on", ">" + password}, rights...)...)
	return "redis://app:" + password + "@" + s.Addr
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	kept := func(t *testing.T, settings ...string) *redistest.Server {
		t.Helper()
		return redistest.Start(t, append([]string{"appendonly", "yes"}, settings...)...)
	}
	for name, tt := range map[string]struct {
		options func(t *testing.T) Options
		says    string
	}{
		"no place":   {func(*testing.T) Options { return Options{} }, "give either URL or Client"},
		"two places": {func(*testing.T) Options { return Options{URL: "redis://x", Client: &redis.Client{}} }, "give either URL or Client"},
		"braces":     {func(*testing.T) Options { return Options{URL: "redis://x", Prefix: "{x}"} }, "leave out the braces"},
		"no URL":     {func(*testing.T) Options { return Options{URL: "redis://app:" + password + "@x:port"} }, "the URL is none; want redis:"},
		"another scheme": {func(*testing.T) Options { return Options{URL: "http://app:" + password + "@x"} },
			"the URL: redis: invalid URL scheme: http"},
		"an unknown option": {func(*testing.T) Options { return Options{URL: "redis://x?speed=high"} }, "speed"},
		"nobody there":      {func(*testing.T) Options { return Options{URL: "redis://app:" + password + "@127.0.0.1:1"} }, "127.0.0.1:1: dial tcp"},
		"no such database":  {func(t *testing.T) Options { return Options{URL: kept(t).URL() + "/99"} }, "DB index is out of range"},
		"no password": {func(t *testing.T) Options { return Options{URL: kept(t, "requirepass", password).URL()} },
			"NOAUTH Authentication required.; put user and password into the URL"},
		"a wrong password": {func(t *testing.T) Options {
			return Options{URL: "redis://:" + password + "x@" + kept(t, "requirepass", password).Addr}
		}, "WRONGPASS"},
		"a replica": {func(t *testing.T) Options {
			return Options{URL: kept(t, "replicaof", strings.ReplaceAll(kept(t).Addr, ":", " ")).URL()}
		}, "it is a replica of 127.0.0.1:"},
		"eviction":       {func(t *testing.T) Options { return Options{URL: kept(t, "maxmemory-policy", "volatile-lru").URL()} }, "set maxmemory-policy to noeviction"},
		"no persistence": {func(t *testing.T) Options { return Options{URL: redistest.Start(t).URL()} }, "set appendonly to yes, or Options.Volatile"},
		"no flushing":    {func(t *testing.T) Options { return Options{URL: kept(t, "appendfsync", "no").URL()} }, "set appendfsync to always or everysec, or Options.Volatile"},
		"full memory":    {func(t *testing.T) Options { return Options{URL: kept(t, "maxmemory", "1").URL()} }, "give the server more memory"},
		"a missing command": {func(t *testing.T) Options {
			return Options{URL: user(t, kept(t), append(rights(), "-zadd")...)}
		}, "give the user the rights"},
		"no right to scripts": {func(t *testing.T) Options {
			return Options{URL: user(t, kept(t), append(rights(), "-eval", "-evalsha")...)}
		}, "give the user the rights"},
		"no right to look": {func(t *testing.T) Options {
			return Options{URL: user(t, kept(t), append(rights(), "-info")...)}
		}, "give the user the rights"},
		"no right to the keys": {func(t *testing.T) Options {
			return Options{URL: user(t, kept(t), rights()...), Prefix: "other"}
		}, "give the user the rights"},
		"no right to listen": {func(t *testing.T) Options {
			return Options{URL: user(t, kept(t), append(rights(), "-subscribe")...)}
		}, "give the user the rights"},
		"a newer schema": {func(t *testing.T) Options {
			s := kept(t)
			s.Do(t, "set", "rblx:{schema}", "rblx-grants 2")
			return Options{URL: s.URL()}
		}, "its schema has version 2, and this program knows 1; use a newer version"},
		"another program's": {func(t *testing.T) Options {
			s := kept(t)
			s.Do(t, "set", "rblx:{schema}", "1")
			return Options{URL: s.URL()}
		}, "another program uses the key rblx:{schema}; choose another Prefix"},
		"another program's list": {func(t *testing.T) Options {
			s := kept(t)
			s.Do(t, "rpush", "rblx:{schema}", "1")
			return Options{URL: s.URL()}
		}, "another program uses the key rblx:{schema}; choose another Prefix"},
		"one server of a cluster": {func(t *testing.T) Options {
			c := redis.NewClient(&redis.Options{Addr: redistest.Cluster(t, 1, "appendonly", "yes")[0].Addr})
			t.Cleanup(func() { _ = c.Close() })
			return Options{Client: c}
		}, "it belongs to a cluster; give a *redis.ClusterClient"},
		"a client that reads from replicas": {func(t *testing.T) Options {
			c := redis.NewClusterClient(&redis.ClusterOptions{ReadOnly: true})
			t.Cleanup(func() { _ = c.Close() })
			return Options{Client: c}
		}, "reads from replicas"},
		"a ring": {func(t *testing.T) Options {
			c := redis.NewRing(&redis.RingOptions{})
			t.Cleanup(func() { _ = c.Close() })
			return Options{Client: c}
		}, "may not always find the same server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), tt.options(t))
			if err == nil {
				_ = s.Close()
			}
			if err == nil || !strings.HasPrefix(err.Error(), "redisstore: ") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open: %v, want %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Error("the error has the password")
			}
		})
	}
}

// A user with the rights that are listed can do everything, and the server
// keeps what it is told.
func TestOpenWithTheLeastRights(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string][]*redistest.Server{
		"one server": {redistest.Start(t, "appendonly", "yes")},
		"cluster":    redistest.Cluster(t, 3, "appendonly", "yes"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var url string
			for _, server := range servers {
				url = user(t, server, rights()...)
			}
			s := openWith(t, Options{URL: url})
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			for _, err := range s.Find(t.Context(), oauth.Query{Subject: row.Subject}) {
				if err != nil {
					t.Error(err)
				}
			}
			if rows, err := s.ClaimDue(t.Context(), 1, 0); err != nil || len(rows) != 1 {
				t.Error(rows, err)
			}
			if err := s.PutFlow(t.Context(), oauth.Flow{ID: "x", Expires: time.Now().Add(-time.Second)}); err != nil {
				t.Error(err)
			}
			if _, err := s.TakeFlow(t.Context(), "x", ""); !errors.Is(err, oauth.ErrFlowExpired) {
				t.Error(err)
			}
			if err := s.Delete(t.Context(), row.GrantID, row.Version); err != nil {
				t.Error(err)
			}
		})
	}
}

// A client of the program's own stays open, and its retries do not matter.
func TestOpenWithClient(t *testing.T) {
	t.Parallel()
	o := newOptions(t, redistest.Shared(t))
	address, err := redis.ParseURL(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.URL, o.Client = "", redis.NewClient(address)
	t.Cleanup(func() { _ = o.Client.Close() })
	s := openWith(t, o)
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, s, row.GrantID)
	if _, port, _ := net.SplitHostPort(address.Addr); !strings.Contains(s.failed(errReply).Error(), ":"+port) {
		t.Error("errors do not name the server")
	}
}
