package redisstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/oauth"
)

// Watch implements oauth.Watcher with one connection of its own: whatever writes
// a row publishes its id. On a cluster every server passes these on to all
// others, 26 bytes a write; sharded channels would spare that and need a
// connection to each shard.
func (s *Store) Watch(ctx context.Context, changed func(oauth.GrantID)) error {
	const shortest, longest = 50 * time.Millisecond, 5 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		s.listen(ctx, func(id oauth.GrantID) {
			pause = shortest
			changed(id)
		})
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-ctx.Done():
		}
		pause = min(2*pause, longest)
	}
	return ctx.Err()
}

// listen calls changed until the connection is lost or ctx ends.
func (s *Store) listen(ctx context.Context, changed func(oauth.GrantID)) {
	sub := s.client.Subscribe(ctx, s.channel())
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for asked := false; ; {
		message, err := sub.ReceiveTimeout(ctx, s.silence)
		if silent, ok := errors.AsType[net.Error](err); ok && silent.Timeout() && !asked {
			asked = true
			err = sub.Ping(ctx)
		}
		if err != nil || ctx.Err() != nil {
			return
		}
		if message != nil {
			asked = false
		}
		switch m := message.(type) {
		case *redis.Subscription:
			changed("")
		case *redis.Message:
			if id := oauth.GrantID(m.Payload); id.Valid() {
				changed(id)
			}
		}
	}
}
