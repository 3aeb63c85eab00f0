package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/storetest"
)

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	goleak.VerifyTestMain(m)
}

// quiet drops what go-redis tells of servers that are gone; here they are meant
// to be.
type quiet struct{}

// Printf implements the client's logger.
func (quiet) Printf(context.Context, string, ...any) {}

// newOptions have a prefix of their own, whose keys are deleted at the end.
func newOptions(t testing.TB, url string) Options {
	t.Helper()
	o := Options{URL: url, Prefix: "rblx-test-" + rand.Text(), Volatile: true}
	t.Cleanup(func() {
		s, err := Open(context.Background(), o)
		if err != nil {
			t.Log(err) // the test may have left the server in any state
			return
		}
		defer s.Close()
		if err := s.deleteAll(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func (s *Store) deleteAll() error {
	ctx := context.Background()
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, s.deleteIn)
	}
	return s.deleteIn(ctx, s.client.(*redis.Client))
}

func (s *Store) deleteIn(ctx context.Context, c *redis.Client) error {
	found := c.Scan(ctx, 0, s.prefix+":*", 1000).Iterator()
	for found.Next(ctx) {
		if err := c.Del(ctx, found.Val()).Err(); err != nil {
			return err
		}
	}
	return found.Err()
}

func openWith(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openTest opens an empty store.
func openTest(t testing.TB) *Store {
	t.Helper()
	return openWith(t, newOptions(t, redistest.Shared(t)))
}

// sample is a row of some generation; its Sealed is made of it, so that no two
// writes look alike.
func sample(id oauth.GrantID, generation uint64) oauth.Row {
	sealed := make([]byte, 900+generation%700)
	for i := range sealed {
		sealed[i] = byte(generation)
	}
	return oauth.Row{
		GrantID: id, App: "1", Subject: "156", Generation: generation, State: oauth.StateActive,
		RefreshIssued: time.Unix(1_700_000_000, 0), Sealed: sealed,
	}
}

func withIntent(row oauth.Row) oauth.Row {
	row.Intent = &oauth.Intent{ID: "intent", Base: row.Generation, Deadline: row.Now.Add(time.Minute)}
	return row
}

func mustSwap(t testing.TB, s *Store, old oauth.Version, row oauth.Row) oauth.Row {
	t.Helper()
	stored, err := s.Swap(t.Context(), old, row)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func mustLoad(t testing.TB, s *Store, id oauth.GrantID) oauth.Row {
	t.Helper()
	row, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// A URL may name the prefix, too.
func TestPrefix(t *testing.T) {
	t.Parallel()
	o := newOptions(t, redistest.Shared(t))
	row := mustSwap(t, openWith(t, o), "", sample(oauth.NewGrantID(), 1))
	o.URL, o.Prefix = o.URL+"?prefix="+o.Prefix, ""
	mustLoad(t, openWith(t, o), row.GrantID)
	o.URL += "-another"
	if _, err := openWith(t, o).Load(t.Context(), row.GrantID); !errors.Is(err, oauth.ErrNoGrant) {
		t.Errorf("with another prefix: %v", err)
	}
}

// conformance runs the suite on stores at a URL.
func conformance(t *testing.T, url string) {
	t.Helper()
	storetest.Run(t, func(t *testing.T) oauth.Store { return openWith(t, newOptions(t, url)) })
	storetest.RunFlows(t, func(t *testing.T) oauth.FlowStore { return openWith(t, newOptions(t, url)) })
	storetest.RunShared(t, func(t *testing.T) (a, b oauth.Store) {
		o := newOptions(t, url)
		return openWith(t, o), openWith(t, o)
	})
	storetest.RunFlowsShared(t, func(t *testing.T) (a, b oauth.FlowStore) {
		o := newOptions(t, url)
		return openWith(t, o), openWith(t, o)
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	conformance(t, redistest.Shared(t))
}

// A laptop without Redis tests on this, which interprets scripts slowly.
func TestConformanceInMemory(t *testing.T) {
	t.Parallel()
	conformance(t, "redis://"+redistest.InMemory(t, nil)+"?read_timeout=1m")
}

func TestConformanceCluster(t *testing.T) {
	t.Parallel()
	conformance(t, redistest.Cluster(t, 3)[0].URL())
}
