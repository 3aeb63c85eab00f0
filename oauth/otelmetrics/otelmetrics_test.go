package otelmetrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/otelmetrics"
)

// brokenOnce is a store whose nth swap fails without writing.
type brokenOnce struct {
	*oauth.MemoryStore
	swaps, fails int
}

func (s *brokenOnce) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (oauth.Row, error) {
	if s.swaps++; s.swaps == s.fails {
		return oauth.Row{}, fmt.Errorf("out of order: %w", oauth.ErrNotWritten)
	}
	return s.MemoryStore.Swap(ctx, old, row)
}

// measured is a signed-in user of an app that is measured.
type measured struct {
	*testing.T
	emu    *emulatortest.Emulator
	store  *brokenOnce
	reader *metric.ManualReader
	meters *metric.MeterProvider
	app    *oauth.App
	grant  *oauth.Grant
}

func newMeasured(t *testing.T) *measured {
	t.Helper()
	m := &measured{T: t, store: &brokenOnce{MemoryStore: oauth.NewMemoryStore()}, reader: metric.NewManualReader()}
	m.emu = emulatortest.Start(t, func(o *emulator.Options) { o.AutoConsent = true })
	m.meters = metric.NewMeterProvider(metric.WithReader(m.reader))
	config := m.emu.OAuth(t, m.store)
	var err error
	if config.Trace, err = otelmetrics.Trace(m.meters); err != nil {
		t.Fatal(err)
	}
	config.SendBudget, config.DrainMargin = time.Second, time.Second
	if m.app, err = oauth.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.app.Close(context.Background()) })
	m.grant = m.app.Grant(emulatortest.SignIn(t, m.app, config.RedirectURL))
	return m
}

// read returns the metrics: each data point by its name and attributes; of
// histograms the count.
func (m *measured) read() map[string]int64 {
	m.Helper()
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(context.Background(), &all); err != nil {
		m.Fatal(err)
	}
	points := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, metric := range scope.Metrics {
			add := func(set attribute.Set, n int64) {
				points[strings.TrimSpace(metric.Name+" "+set.Encoded(attribute.DefaultEncoder()))] = n
			}
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, int64(p.Count))
				}
			default:
				m.Errorf("%s is a %T", metric.Name, metric.Data)
			}
		}
	}
	return points
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := newMeasured(t)
	m.store.fails = m.store.swaps + 2 // the commit after the next intent
	if _, err := m.grant.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := m.grant.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := m.emu.RevokeUser(info.Subject); n != 1 {
		t.Fatalf("%d grants revoked", n)
	}
	if _, err := m.grant.Refresh(t.Context()); !errors.Is(err, oauth.ErrNeedsReauth) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	counted := make(chan error, 1)
	go func() { counted <- otelmetrics.CountGrants(ctx, m.meters, m.app, time.Hour) }()
	got := m.read()
	for got["rblx.oauth.grants reason=revoked,state=needs_reauth"] == 0 && t.Context().Err() == nil {
		got = m.read()
	}
	cancel()
	if err := <-counted; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for point, want := range map[string]int64{
		"rblx.oauth.changes kind=signed_in":                             1,
		"rblx.oauth.changes kind=refreshed":                             1,
		"rblx.oauth.changes kind=needs_reauth":                          1,
		"rblx.oauth.losses reason=revoked":                              1,
		"rblx.oauth.token_request.duration outcome=ok,probe=false":      1,
		"rblx.oauth.token_request.duration outcome=refused,probe=false": 1,
		"rblx.oauth.wait.duration outcome=ok":                           1,
		"rblx.oauth.wait.duration outcome=refused":                      1,
		"rblx.oauth.store.duration operation=swap,outcome=unavailable":  1,
		"rblx.oauth.commit_pending":                                     0,
		"rblx.oauth.grants reason=revoked,state=needs_reauth":           1,
	} {
		if n, ok := got[point]; !ok || n != want {
			t.Errorf("%s is %d, want %d", point, n, want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// What ended a store's or the provider's own time is no caller that left.
func TestOutcomesOfWaits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{context.Canceled, "left"},
		{context.DeadlineExceeded, "left"},
		{fmt.Errorf("%w: %w", oauth.ErrStoreUnavailable, context.DeadlineExceeded), "unavailable"},
		{fmt.Errorf("%w: %w", oauth.ErrInDoubt, &oauth.ProviderError{Err: context.DeadlineExceeded}), "failed"},
		{oauth.ErrInDoubt, "failed"},
		{oauth.ErrNoGrant, "refused"},
	} {
		m := &measured{T: t, reader: metric.NewManualReader()}
		trace, err := otelmetrics.Trace(metric.NewMeterProvider(metric.WithReader(m.reader)))
		if err != nil {
			t.Fatal(err)
		}
		trace.Wait(time.Second, c.err)
		if got := m.read(); len(got) != 1 || got["rblx.oauth.wait.duration outcome="+c.want] != 1 {
			t.Errorf("%v: %v, want %s", c.err, got, c.want)
		}
	}
}

func TestCountGrantsTooOften(t *testing.T) {
	t.Parallel()
	m := newMeasured(t)
	if err := otelmetrics.CountGrants(t.Context(), m.meters, m.app, time.Millisecond); err == nil || !strings.Contains(err.Error(), "too often") {
		t.Error(err)
	}
}

// The dashboard asks for metrics that there are, under the names that
// OpenTelemetry's exporter for Prometheus gives them.
func TestDashboard(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	exported := []string{
		"rblx_oauth_changes_total", "rblx_oauth_losses_total", "rblx_oauth_commit_pending", "rblx_oauth_grants",
		"rblx_oauth_token_request_duration_seconds", "rblx_oauth_wait_duration_seconds", "rblx_oauth_store_duration_seconds",
	}
	shown := map[string]bool{}
	name := regexp.MustCompile(`rblx_oauth_\w+`)
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			found := name.FindString(target.Expr)
			found = strings.TrimSuffix(strings.TrimSuffix(found, "_bucket"), "_count")
			if !slices.Contains(exported, found) {
				t.Errorf("%s: %q is no metric", p.Title, found)
			}
			shown[found] = true
		}
	}
	for _, metric := range exported {
		if !shown[metric] {
			t.Errorf("%s is not shown", metric)
		}
	}
}
