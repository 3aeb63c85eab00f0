package opencloud_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
	"github.com/rblx-go/opencloud/transport/oteltransport"
)

// profile has the size of a documented answer.
type profile struct {
	Path                  string    `json:"path"`
	CreateTime            time.Time `json:"createTime"`
	ID                    string    `json:"id"`
	Name                  string    `json:"name"`
	DisplayName           string    `json:"displayName"`
	About                 string    `json:"about"`
	Locale                string    `json:"locale"`
	Premium               bool      `json:"premium"`
	IDVerified            bool      `json:"idVerified"`
	SocialNetworkProfiles struct {
		Facebook   string `json:"facebook"`
		Twitter    string `json:"twitter"`
		Visibility string `json:"visibility"`
	} `json:"socialNetworkProfiles"`
}

const profileJSON = `{"path":"users/156","createTime":"2023-07-05T12:34:56.123Z","id":"156","name":"example","displayName":"An Example",` +
	`"about":"A few words about somebody who is an example.","locale":"en-US","premium":true,"idVerified":true,` +
	`"socialNetworkProfiles":{"facebook":"example","twitter":"example","visibility":"EVERYONE"}}`

// limited are the headers that come with every answer.
var limited = http.Header{
	"X-Ratelimit-Limit": {"1000000000, 1000000000;w=60"}, "X-Ratelimit-Remaining": {"999999999"}, "X-Ratelimit-Reset": {"22"},
}

// noNetwork answers at once, so that what remains is the cost of the call.
func noNetwork(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(profileJSON)), Request: r, Header: limited,
		Body: io.NopCloser(strings.NewReader(profileJSON)),
	}, nil
}

// BenchmarkCall measures a typed call beside the same by hand, both decoded:
// with retries and pacing off it is to take at most 1.15 of the time by hand,
// with both on, the headers of a paced answer, and all that is recorded of it,
// at most 1.5. What recording costs by hand is measured too.
func BenchmarkCall(b *testing.B) {
	typed := func(b *testing.B, o opencloud.Options) {
		o.APIKey, o.HTTPClient = canary, &http.Client{Transport: roundTripFunc(noNetwork)}
		c, err := opencloud.New(o)
		if err != nil {
			b.Fatal(err)
		}
		m := *getUser
		m.KeyLimit = opencloud.Limit{Max: 1 << 30, Per: time.Minute}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := opencloud.Do[profile](b.Context(), c, &m, opencloud.Request{Path: []string{"156"}}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("layers off", func(b *testing.B) { typed(b, opencloud.Options{Attempts: 1, Unpaced: true}) })
	b.Run("layers on", func(b *testing.B) { typed(b, opencloud.Options{}) })
	logged := func(level slog.Level) func(*testing.B) {
		return func(b *testing.B) {
			log := transport.NewLog(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: level})))
			typed(b, opencloud.Options{Telemetry: []transport.Telemetry{log}})
		}
	}
	b.Run("layers on, log above debug", logged(slog.LevelInfo))
	b.Run("layers on, log at debug", logged(slog.LevelDebug))
	b.Run("layers on, spans and metrics", func(b *testing.B) {
		telemetry, err := oteltransport.New(providers())
		if err != nil {
			b.Fatal(err)
		}
		log := transport.NewLog(slog.New(slog.NewTextHandler(io.Discard, nil))) // not at debug
		typed(b, opencloud.Options{Telemetry: []transport.Telemetry{log, telemetry}})
	})
	hand := func(b *testing.B, wire roundTripFunc) {
		client := &http.Client{Transport: wire}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := byHand(b, client, "156"); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("by hand", func(b *testing.B) { hand(b, noNetwork) })
	b.Run("by hand, spans and metrics", func(b *testing.B) { hand(b, handObserved(b)) })
}

// handObserved is the least that the OpenTelemetry SDK costs: the span and the
// measurement of noNetwork, whose attributes are known beforehand.
func handObserved(b *testing.B) roundTripFunc {
	b.Helper()
	traces, meters := providers()
	tracer := traces.Tracer("by hand")
	duration, err := meters.Meter("by hand").Float64Histogram("http.client.request.duration")
	if err != nil {
		b.Fatal(err)
	}
	attrs := []attribute.KeyValue{attribute.String("http.request.method", "GET"), attribute.String("server.address", "apis.roblox.com"), attribute.String("url.template", getUser.Path)}
	status := []attribute.KeyValue{attribute.Int("http.response.status_code", http.StatusOK)}
	start := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...)}
	record := []metric.RecordOption{metric.WithAttributes(append(attrs, status...)...)}
	return func(r *http.Request) (*http.Response, error) {
		ctx, span := tracer.Start(r.Context(), getUser.Name, start...)
		defer span.End()
		began := time.Now()
		resp, err := noNetwork(r.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		span.SetAttributes(status...)
		duration.Record(ctx, time.Since(began).Seconds(), record...)
		return resp, nil
	}
}

// providers record all there is to record.
func providers() (*sdktrace.TracerProvider, *sdkmetric.MeterProvider) {
	return sdktrace.NewTracerProvider(), sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
}

func byHand(b *testing.B, client *http.Client, id string) (*profile, error) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://apis.roblox.com/cloud/v2/users/"+id, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("x-api-key", canary)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	var p profile
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		return nil, err
	}
	return &p, nil
}
