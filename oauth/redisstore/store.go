package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/oauth"
)

// Store keeps grants and sign-ins in Redis. Make one with Open. It is safe for
// concurrent use, also by other processes that use the same server.
type Store struct {
	client  redis.UniversalClient
	name    string // the server's, for errors
	prefix  string
	own     bool // the client was made here
	scripts scripts

	// silence is how long Watch lets a connection be silent before it asks
	// whether it lives, and then before it gives it up.
	silence time.Duration
}

var (
	_ oauth.Store     = (*Store)(nil)
	_ oauth.FlowStore = (*Store)(nil)
	_ oauth.Watcher   = (*Store)(nil)
)

type scripts struct{ open, load, swap, remove, oldest, claim, put, take script }

// Options say where the grants are. Either URL or Client is needed.
type Options struct {
	// URL of a server, redis://user:password@host:6379/0 or rediss: over TLS. If
	// it belongs to a cluster, so do the grants; further nodes to ask at the
	// start may follow: ?addr=host:6380&addr=host:6381. With
	// ?master_name=NAME it is that of a sentinel. ?prefix=NAME stands for Prefix.
	URL string

	// Client is one that the program has already, a *redis.Client (also one
	// from redis.NewFailoverClient) or a *redis.ClusterClient that does not
	// read from replicas. It stays open when the Store is closed. Its MaxRetries
	// have no effect on writes, which are never sent twice; ContextTimeoutEnabled
	// should be set.
	Client redis.UniversalClient

	// Prefix begins all keys and the channel; "rblx" by default. It has no
	// braces.
	Prefix string

	// Volatile accepts a server that does not keep what it was told: without an
	// append-only file, or with one that it never flushes. After a restart of
	// such a server all users may have to sign in again.
	Volatile bool
}

// openTimeout bounds Open.
const openTimeout = 10 * time.Second

// Open connects to Redis, version 7 or newer, and sees to it that grants can be
// kept there. It fails if the server cannot be reached, is a replica, refuses
// the user or any of the commands needed, would evict grants when memory is
// short, or does not keep them (see Options.Volatile), and if another program
// or a newer version of this package uses the prefix. Close the Store when done.
func Open(ctx context.Context, o Options) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s := &Store{
		prefix: o.Prefix, silence: 5 * time.Second,
		own:    o.Client == nil,
		client: o.Client,
		scripts: scripts{
			open: newScript("open"), load: newScript("load"), swap: newScript("swap"), remove: newScript("delete"),
			oldest: newScript("oldest"), claim: newScript("claim"), put: newScript("put"), take: newScript("take"),
		},
	}
	address, prefix, err := parseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	s.prefix = cmp.Or(s.prefix, prefix, "rblx")
	if strings.ContainsAny(s.prefix, "{}") {
		return nil, fmt.Errorf("redisstore: Prefix %q: leave out the braces", s.prefix)
	}
	switch {
	case s.own == (o.URL == ""):
		return nil, errors.New("redisstore: give either URL or Client")
	case s.own:
		s.client, s.name, err = connect(ctx, address)
	default:
		s.name, err = nameOf(o.Client)
	}
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w%s", err, advice(err))
	}
	if err := s.check(ctx, o.Volatile); err != nil {
		_ = s.Close()
		return nil, s.failed(err)
	}
	return s, nil
}

// Close releases the connections, unless Options.Client brought them.
// Operations under way should have ended.
func (s *Store) Close() error {
	if !s.own {
		return nil
	}
	return s.client.Close()
}
