package stores

import (
	"context"
	"errors"
	"net/url"

	"github.com/redis/go-redis/v9/logging"

	"github.com/rblx-go/opencloud/oauth/redisstore"
)

// redis is a server, also one that keeps nothing: whoever runs a command on its
// grants knows what it is.
func redis() kind {
	return kind{
		name: "redis", place: "a Redis server", fallback: "redis://127.0.0.1:6379",
		check:  checkRedis,
		exists: func(string) error { return nil }, // there is nothing to create but a key that says whose they are
		open: func(ctx context.Context, url string) (Store, error) {
			logging.Disable() // what goes wrong is told of once, as an error
			return redisstore.Open(ctx, redisstore.Options{URL: url, Volatile: true})
		},
	}
}

func checkRedis(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Host == "" {
		return errors.New("it is no redis: or rediss: URL, such as redis://user:password@host:6379") // the error may have a password
	}
	return nil
}
