package pgstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// crowd is how many grants there are, how many of them are in use and by how
// many callers at once, and for how long that is measured.
type crowd struct {
	grants, hot, callers int
	measured             time.Duration
}

const (
	mostHeap = 64 << 20
	tokenLen = 900 // Roblox's
)

// TestMillionGrants has a keeper renew idle grants of a million while twenty
// thousand others are used, with RBLX_SOAK=1; otherwise of a fiftieth. What the
// process holds depends on neither number: live heap is bounded by the cache,
// goroutines by what is under way.
func TestMillionGrants(t *testing.T) { //nolint:paralleltest // it measures the heap of the process
	c := crowd{grants: 20_000, hot: 2_000, callers: 64, measured: 3 * time.Second}
	if os.Getenv("RBLX_SOAK") == "1" {
		c = crowd{grants: 1_000_000, hot: 20_000, callers: 64, measured: time.Minute}
	}
	s := openTest(t, pgtest.With(t, pgtest.DSN(t), "pool_max_conns", "16"))
	hot := c.fill(t, s)
	a, err := oauth.New(oauth.Config{
		ClientID: "1", RedirectURL: "http://localhost/callback", Scopes: []string{"openid"}, Store: s,
		HTTPClient: &http.Client{Transport: rotator{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	var renewed, failed atomic.Int64
	work.Go(func() {
		err := a.Keep(ctx, oauth.KeepOptions{Rate: 1e6, AtOnce: 16, OnProgress: func(p oauth.KeepProgress) {
			renewed.Store(int64(p.Renewed))
			failed.Store(int64(p.Lost + p.Failed))
		}})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	var calls atomic.Int64
	waits := make([][]time.Duration, c.callers)
	for i := range c.callers {
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				start := time.Now()
				_, err := hot[mathrand.N(len(hot))].of(a).Token(ctx)
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				if n%16 == 0 {
					waits[i] = append(waits[i], time.Since(start))
				}
				calls.Add(1)
				time.Sleep(time.Millisecond) // a caller does something with it, too
			}
		})
	}
	heap, goroutines := c.measure()
	cancel()
	work.Wait()
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	all := slices.Concat(waits...)
	slices.Sort(all)
	seconds := c.measured.Seconds()
	t.Logf("%d grants, %d in use: live heap %.1f MiB, %d goroutines (%d before), %.0f renewals/s, %.0f calls/s, half of them within %v, 99%% within %v",
		c.grants, c.hot, float64(heap)/(1<<20), goroutines, before, float64(renewed.Load())/seconds, float64(calls.Load())/seconds,
		all[len(all)/2], all[len(all)*99/100])
	if heap > mostHeap {
		t.Errorf("the live heap is %d MiB", heap>>20)
	}
	if most := before + 2*c.callers + 2*16 + 64 + 2*16 + 16; goroutines > most { // callers, renewals, looks, connections
		t.Errorf("%d goroutines, want no more than %d", goroutines, most)
	}
	if renewed.Load() == 0 || failed.Load() > 0 || calls.Load() < int64(c.callers) {
		t.Errorf("%d renewed, %d failed, %d calls", renewed.Load(), failed.Load(), calls.Load())
	}
}

// measure returns the largest live heap and the most goroutines seen.
func (c crowd) measure() (heap uint64, goroutines int) {
	var m runtime.MemStats
	for end := time.Now().Add(c.measured); time.Now().Before(end); {
		for range 50 {
			goroutines = max(goroutines, runtime.NumGoroutine())
			time.Sleep(c.measured / 500)
		}
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap = max(heap, m.HeapAlloc)
	}
	return heap, goroutines
}

// rotator is a provider that gives new tokens at once.
type rotator struct{}

func (rotator) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{
		"access_token": strings.Repeat("a", tokenLen), "refresh_token": token(), "token_type": "Bearer", "expires_in": 899,
	})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body)))}, err
}

func token() string { return rand.Text() + strings.Repeat("r", tokenLen) }

// used is a grant in use: half of the callers keep a handle, the others ask for
// one each time.
type used struct {
	id   oauth.GrantID
	once sync.Once
	kept *oauth.Grant
}

func (u *used) of(a *oauth.App) *oauth.Grant {
	if u.id[0] > 'm' {
		return a.Grant(u.id)
	}
	u.once.Do(func() { u.kept = a.Grant(u.id) })
	return u.kept
}

// fill stores the grants: those in use have an access token of an hour, the
// others were used some time in the last 80 days.
func (c crowd) fill(t *testing.T, s *Store) (hot []*used) {
	t.Helper()
	first := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1)) // tells the store's run
	if err := s.Delete(t.Context(), first.GrantID, first.Version); err != nil {
		t.Fatal(err)
	}
	now, i := time.Now(), 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if i == c.grants {
			return nil, nil
		}
		row := oauth.Row{
			GrantID: oauth.NewGrantID(), App: "1", Subject: strconv.Itoa(i), Generation: 1, State: oauth.StateActive, Scope: "openid profile",
			RunID: first.StoreRun, Sealed: []byte(`0{"access":"` + strings.Repeat("a", tokenLen) + `","refresh":"` + token() + `"}`),
			RefreshIssued: now.Add(-time.Duration(i) * (80 * 24 * time.Hour / time.Duration(c.grants))),
		}
		row.Expiry = row.RefreshIssued.Add(899 * time.Second)
		if i < c.hot {
			hot = append(hot, &used{id: row.GrantID})
			row.RefreshIssued, row.Expiry = now, now.Add(time.Hour)
		}
		rec := record.New(row, oauth.Version(rand.Text()), boot)
		i++
		return []any{string(rec.GrantID), string(rec.Version), rec.Subject, string(rec.State), micro(rec.RefreshIssued), string(record.Encode("row", rec))}, nil
	})
	columns := []string{"id", "version", "subject", "state", "issued", "content"}
	if _, err := s.pool.CopyFrom(t.Context(), pgx.Identifier{s.schema, "grants"}, columns, rows); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), s.in("ANALYZE $schema.grants")); err != nil {
		t.Fatal(err)
	}
	return hot
}
