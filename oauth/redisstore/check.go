package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// schema is the version of how things are kept, as stored; schemaName makes a
// key with it ours.
const (
	schema     = 1
	schemaName = "rblx-grants"
	oldestOK   = 7 // version of Redis
)

// check fails if the servers will not keep grants.
func (s *Store) check(ctx context.Context, volatile bool) error {
	var err error
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
			if err := checkServer(ctx, c, true, volatile); err != nil {
				return fmt.Errorf("%s: %w", c.Options().Addr, err)
			}
			return nil
		})
	} else {
		err = checkServer(ctx, s.client, false, volatile)
	}
	if err == nil {
		err = s.checkSchema(ctx)
	}
	if err == nil {
		err = s.checkChannel(ctx)
	}
	return err
}

// checkServer looks at how a server is configured.
func checkServer(ctx context.Context, c redis.Cmdable, cluster, volatile bool) error {
	text, err := c.Info(ctx).Result()
	if err != nil {
		return err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		info[name] = value
	}
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	switch {
	case err != nil || n < oldestOK:
		return fmt.Errorf("it is Redis %q; version %d or newer is needed", version, oldestOK)
	case info["cluster_enabled"] == "1" && !cluster:
		return errors.New("it belongs to a cluster; give a *redis.ClusterClient")
	case info["role"] != "master":
		return fmt.Errorf("it is a replica of %s:%s, which is the one to name", info["master_host"], info["master_port"])
	case info["maxmemory_policy"] != "noeviction":
		return fmt.Errorf("it evicts keys when memory is short (maxmemory-policy %s), and each is a user's authorization; set maxmemory-policy to noeviction",
			info["maxmemory_policy"])
	case volatile:
		return nil
	case info["aof_enabled"] != "1":
		return errors.New("it does not keep what it is told (appendonly no): after a restart all users may have to sign in again; set appendonly to yes, or Options.Volatile to accept that")
	}
	fsync, err := c.ConfigGet(ctx, "appendfsync").Result()
	if err == nil && fsync["appendfsync"] == "no" { // an error: it is not for us to know
		return errors.New("it leaves it to the system when to write to the disk (appendfsync no): a power cut loses the last half minute; set appendfsync to always or everysec, or Options.Volatile to accept that")
	}
	return nil
}

// checkSchema tries whether everything is allowed that the store does, and marks
// the prefix as used by it.
func (s *Store) checkSchema(ctx context.Context) error {
	ours := schemaName + " " + strconv.Itoa(schema)
	tag := s.prefix + ":{schema}"
	r, err := s.run(ctx, s.scripts.open, []string{tag, tag + ":try"}, ours, s.channel())
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return fmt.Errorf("another program uses the key %s; choose another Prefix", tag)
	}
	if err != nil {
		return err
	}
	name, version, _ := strings.Cut(strings.Join(texts(r.data), ""), " ")
	n, err := strconv.Atoi(version)
	switch {
	case name != schemaName || err != nil:
		return fmt.Errorf("another program uses the key %s; choose another Prefix", tag)
	case n != schema:
		return fmt.Errorf("its schema has version %d, and this program knows %d; use a newer version of this program", n, schema)
	}
	return nil
}

// checkChannel tries whether Watch may listen.
func (s *Store) checkChannel(ctx context.Context) error {
	sub := s.client.Subscribe(ctx, s.channel())
	defer sub.Close()
	_, err := sub.Receive(ctx)
	return err
}
