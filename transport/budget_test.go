package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// sharedBudget counts in fixed windows, as one in Redis does.
type sharedBudget struct {
	mu      sync.Mutex
	windows map[string]int
	asked   int
	down    error
}

func (b *sharedBudget) Take(ctx context.Context, key string, limit transport.Limit) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.down != nil {
		return 0, b.down
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := time.Now().UnixNano()
	id := fmt.Sprint(key, now/int64(limit.Per))
	if b.windows[id] >= limit.Max {
		return time.Duration(int64(limit.Per) - now%int64(limit.Per)), nil
	}
	b.windows[id]++
	return 0, nil
}

// Two processes that share a budget stay below the limit together, and fill it.
func TestPaceSharesABudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 100, per: time.Minute, there: 10 * time.Millisecond}
		budget := &sharedBudget{windows: make(map[string]int)}
		var all sync.WaitGroup
		for range 2 {
			rt := (&transport.Pacer{Budget: budget}).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
			all.Go(func() { paced(t, rt, 1000) })
		}
		start := time.Now()
		all.Wait()
		if server.refused != 0 || len(server.windows) != 20 {
			t.Errorf("%d answers of 429 in %d windows, want none in 20 windows", server.refused, len(server.windows))
		}
		if took := time.Since(start); took > 20*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func TestPaceWithoutItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 100, per: time.Minute}
		budget := &sharedBudget{down: errors.New("connection refused")}
		rt := (&transport.Pacer{Budget: budget}).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
		paced(t, rt, 250)
		if server.refused != 0 || budget.asked != 250 {
			t.Errorf("asked %d times, %d answers of 429", budget.asked, server.refused)
		}
	})
}

func TestPaceEndsAskingWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 100, per: time.Minute}
		budget := &stuckBudget{}
		rt := (&transport.Pacer{Budget: budget}).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := call(ctx, t, rt, getThing, ""); !errors.Is(err, context.DeadlineExceeded) || len(server.arrivals) != 0 {
			t.Errorf("%v after %d requests", err, len(server.arrivals))
		}
	})
}

type stuckBudget struct{}

func (*stuckBudget) Take(ctx context.Context, _ string, _ transport.Limit) (time.Duration, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// A service that calls for a million users holds no memory for those that are gone.
func TestPaceForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := new(transport.Pacer)
		base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		})
		origins, most := homeOrigins(t), 0
		for i := range 60_000 {
			if _, err := call(t.Context(), t, pacer.RoundTripper(base, transport.NewAPIKey(strconv.Itoa(i)), origins), getThing, ""); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // 1,200 a minute
			most = max(most, pacer.Lanes())
		}
		if most > 5_000 {
			t.Errorf("held %d limits, where some 1,200 are in use at a time", most)
		}
	})
}
