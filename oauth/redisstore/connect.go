package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// parseURL takes the prefix out of a URL.
func parseURL(address string) (u *url.URL, prefix string, err error) {
	if u, err = url.Parse(address); err != nil {
		return nil, "", errors.New("the URL is none; want redis://user:password@host:6379") // the error has the password
	}
	query := u.Query()
	prefix = query.Get("prefix")
	query.Del("prefix")
	u.RawQuery = query.Encode()
	return u, prefix, nil
}

// connect returns a client for a URL, and the servers' name without a password.
func connect(ctx context.Context, u *url.URL) (redis.UniversalClient, string, error) {
	address := u.String()
	var client redis.UniversalClient
	switch query := u.Query(); {
	case query.Has("master_name"):
		o, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, "", fmt.Errorf("the URL: %w", err)
		}
		o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
		client = redis.NewFailoverClient(o)
	case query.Has("addr"):
		o, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, "", fmt.Errorf("the URL: %w", err)
		}
		client = newCluster(o)
	default:
		o, err := redis.ParseURL(address)
		if err != nil {
			return nil, "", fmt.Errorf("the URL: %w", err)
		}
		if client, err = single(ctx, o); err != nil {
			return nil, "", err
		}
	}
	name, err := nameOf(client)
	return client, name, err
}

// single returns a client for a server, or for the cluster that it belongs to.
func single(ctx context.Context, o *redis.Options) (redis.UniversalClient, error) {
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
	o.MaintNotificationsConfig = notified()
	client := redis.NewClient(o)
	info, err := client.Info(ctx, "cluster").Result()
	if err == nil && !strings.Contains(info, "cluster_enabled:1") {
		return client, nil
	}
	_ = client.Close()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Addr, err)
	}
	return newCluster(&redis.ClusterOptions{
		Addrs: []string{o.Addr}, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolSize: o.PoolSize,
	}), nil
}

func newCluster(o *redis.ClusterOptions) *redis.ClusterClient {
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
	o.MaintNotificationsConfig = notified()
	return redis.NewClusterClient(o)
}

// notified turns off an extension of hosted servers that costs each connection
// a round trip.
func notified() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// nameOf returns the addresses that a client was given. It fails for clients
// that may read or write elsewhere than at the primary of a key.
func nameOf(client redis.UniversalClient) (string, error) {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().Addr, nil
	case *redis.ClusterClient:
		o := c.Options()
		if o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return "", errors.New("the Client reads from replicas, which may be behind; set neither ReadOnly nor RouteByLatency nor RouteRandomly")
		}
		return strings.Join(o.Addrs, ","), nil
	}
	return "", fmt.Errorf("a %T as Client may not always find the same server; give a *redis.Client or a *redis.ClusterClient", client)
}
