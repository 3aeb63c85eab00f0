package redispace_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/transport"
	"github.com/rblx-go/opencloud/transport/redispace"
)

const childEnv = "REDISPACE_TEST_CHILD"

var limit = transport.Limit{Max: 7, Per: 250 * time.Millisecond}

// TestMain is a second process, too: it takes what it can until its input ends,
// and prints in which window of the server's clock each request fell.
func TestMain(m *testing.M) {
	url := os.Getenv(childEnv)
	if url == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := takeAll(url, os.Args[1]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func takeAll(url, prefix string) error {
	o, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	client := redis.NewClient(o)
	defer client.Close()
	budget := redispace.New(client, prefix)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
	)
	for range 8 {
		workers.Go(func() {
			for ctx.Err() == nil {
				before, _ := client.Time(ctx).Result()
				wait, err := budget.Take(ctx, "key", limit)
				after, timeErr := client.Time(ctx).Result()
				switch {
				case err != nil || timeErr != nil:
				case wait > 0:
					time.Sleep(wait)
				case before.UnixMicro()/limit.Per.Microseconds() == after.UnixMicro()/limit.Per.Microseconds(): // else it is not known
					mu.Lock()
					fmt.Println(before.UnixMicro() / limit.Per.Microseconds())
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// Two processes never exceed a limit together, and they use it up.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	url, prefix := redistest.Shared(t), "rblx-test-"+rand.Text()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		windows = map[int]int{}
		full    int
	)
	const enough = 5
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for range 2 {
		cmd := exec.CommandContext(t.Context(), exe, prefix)
		cmd.Env = append(os.Environ(), childEnv+"="+url)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer context.AfterFunc(ctx, func() { _ = in.Close() })()
		running.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				n, err := strconv.Atoi(lines.Text())
				if err != nil {
					t.Error(lines.Text())
				}
				mu.Lock()
				if windows[n]++; windows[n] == limit.Max {
					if full++; full == enough {
						stop()
					}
				}
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	for n := range maps.Values(windows) {
		if n > limit.Max {
			t.Errorf("a window of %d requests had %d", limit.Max, n)
		}
	}
	if full < enough {
		t.Errorf("of %d windows %d were used up", len(windows), full)
	}
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTake(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"Redis": redistest.Shared(t), "in memory": "redis://" + redistest.InMemory(t, nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, prefix := client(t, url), "rblx-test-"+rand.Text()
			b, hour := redispace.New(c, prefix), transport.Limit{Max: 3, Per: time.Hour}
			for range 3 {
				if wait, err := b.Take(t.Context(), "secret credential", hour); wait != 0 || err != nil {
					t.Fatal(wait, err)
				}
			}
			now, err := c.Time(t.Context()).Result()
			if err != nil {
				t.Fatal(err)
			}
			end := now.Truncate(time.Hour).Add(time.Hour)
			wait, err := b.Take(t.Context(), "secret credential", hour)
			if err != nil || wait > end.Sub(now) || wait < end.Sub(now)-time.Minute {
				t.Errorf("to wait %v of %v, %v", wait, end.Sub(now), err)
			}
			if wait, err := b.Take(t.Context(), "another", hour); wait != 0 || err != nil {
				t.Error("keys share a count", wait, err)
			}
			keys, err := c.Keys(t.Context(), prefix+":*").Result()
			if err != nil || len(keys) != 2 || strings.Contains(strings.Join(keys, " "), "secret") {
				t.Errorf("keys %q, %v", keys, err)
			}
			for _, key := range keys {
				if ttl := c.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
					t.Errorf("%s lives for %v", key, ttl)
				}
				c.Del(t.Context(), key)
			}
		})
	}
}

// The windows of a cluster's keys are on whichever server has them.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Cluster(t, 3)[0].Addr}})
	t.Cleanup(func() { _ = c.Close() })
	b, hour := redispace.New(c, ""), transport.Limit{Max: 1, Per: time.Hour}
	for i := range 20 {
		first, err := b.Take(t.Context(), strconv.Itoa(i), hour)
		if err != nil || first != 0 {
			t.Fatal(first, err)
		}
		if second, err := b.Take(t.Context(), strconv.Itoa(i), hour); err != nil || second == 0 {
			t.Fatal(second, err)
		}
	}
}

func TestTakeFails(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b, hour := redispace.New(client(t, server.URL()+"?max_retries=-1"), ""), transport.Limit{Max: 1, Per: time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Take(ctx, "k", hour); err == nil {
		t.Error("taken after the end of its context")
	}
	for _, wrong := range []transport.Limit{{}, {Max: 1}, {Max: -1, Per: time.Hour}, {Max: 1, Per: 1}} {
		if _, err := b.Take(t.Context(), "k", wrong); err == nil {
			t.Errorf("a limit of %+v was kept", wrong)
		}
	}
	server.Kill(t)
	if _, err := b.Take(t.Context(), "k", hour); err == nil || !strings.HasPrefix(err.Error(), "redispace: ") {
		t.Errorf("without a server: %v", err)
	}
}
