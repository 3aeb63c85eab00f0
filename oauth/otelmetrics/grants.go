package otelmetrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/rblx-go/opencloud/oauth"
)

// CountGrants counts the grants of app's store, at once and then every so
// often, as the gauge rblx.oauth.grants, by state and reason. It reads every
// row: one process is enough, and an hour is often. It returns when ctx ends,
// with its error; while the store is away the last counts stand.
func CountGrants(ctx context.Context, provider metric.MeterProvider, app *oauth.App, every time.Duration) error {
	if every < time.Second {
		return fmt.Errorf("otelmetrics: counting all grants every %v is too often; an hour is often", every)
	}
	gauge, err := meter(provider).Int64Gauge("rblx.oauth.grants", metric.WithUnit("{grant}"),
		metric.WithDescription("Grants in the store."))
	if err != nil {
		return err
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	known := map[kind]int64{}
	for {
		if counts, err := count(ctx, app); err == nil {
			for k := range known {
				if counts[k] == 0 {
					counts[k] = 0 // there were some: say that there are none
				}
			}
			for k, n := range counts {
				gauge.Record(ctx, n, metric.WithAttributes(attribute.String("state", string(k.state)), attribute.String("reason", string(k.reason))))
			}
			known = counts
		} else if !errors.Is(err, oauth.ErrStoreUnavailable) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type kind struct {
	state  oauth.State
	reason oauth.Reason
}

func count(ctx context.Context, app *oauth.App) (map[kind]int64, error) {
	counts := map[kind]int64{}
	for info, err := range app.Grants(ctx, "") {
		if err != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		counts[kind{info.State, info.Reason}]++
	}
	return counts, nil
}
