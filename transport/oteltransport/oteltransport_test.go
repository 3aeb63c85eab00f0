package oteltransport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rblx-go/opencloud/transport"
	"github.com/rblx-go/opencloud/transport/oteltransport"
)

var getThing = &transport.Method{Name: "things.GetThing", Verb: http.MethodGet, Path: "/things/{id}", Key: true, Class: transport.Safe}

// observed is Telemetry under test, and what came of it.
type observed struct {
	*testing.T
	spans  *tracetest.SpanRecorder
	reader *metric.ManualReader
	transport.Telemetry
}

func observe(t *testing.T) *observed {
	t.Helper()
	o := &observed{T: t, spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	var err error
	o.Telemetry, err = oteltransport.New(trace.NewTracerProvider(trace.WithSpanProcessor(o.spans)), metric.NewMeterProvider(metric.WithReader(o.reader)))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// metrics returns each data point by name and attributes; of histograms count
// and sum.
func (o *observed) metrics() map[string]string {
	o.Helper()
	var all metricdata.ResourceMetrics
	if err := o.reader.Collect(context.Background(), &all); err != nil {
		o.Fatal(err)
	}
	points := map[string]string{}
	for _, scope := range all.ScopeMetrics {
		for _, metric := range scope.Metrics {
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					points[metric.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = strconv.FormatInt(p.Value, 10)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					points[metric.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = fmt.Sprintf("%d: %.2f", p.Count, p.Sum)
				}
			default:
				o.Errorf("%s is a %T", metric.Name, metric.Data)
			}
		}
	}
	return points
}

// wantMetrics compares all of them.
func (o *observed) wantMetrics(want map[string]string) {
	o.Helper()
	got := o.metrics()
	for point, value := range want {
		if got[point] != value {
			o.Errorf("%s is %q, want %q", point, got[point], value)
		}
		delete(got, point)
	}
	for point, value := range got {
		o.Errorf("%s is %q, and not expected", point, value)
	}
}

// wantSpans compares names, statuses and attributes, in the order of ending.
func (o *observed) wantSpans(want ...string) {
	o.Helper()
	var got []string
	for _, s := range o.spans.Ended() {
		set := attribute.NewSet(s.Attributes()...)
		got = append(got, fmt.Sprintf("%s %s %s %s", s.Name(), s.SpanKind(), s.Status().Code, set.Encoded(attribute.DefaultEncoder())))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		o.Errorf("spans\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func get(ctx context.Context, t *testing.T, rt http.RoundTripper, m *transport.Method, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(transport.WithMethod(ctx, m), http.MethodGet, url, strings.NewReader("secret-body"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: rt}).Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

const home = "https://apis.roblox.com"

func layers(t *testing.T, o *observed) transport.Layers {
	t.Helper()
	allowed, err := transport.ParseOrigins(home)
	if err != nil {
		t.Fatal(err)
	}
	return transport.Layers{Retry: new(transport.Retry), Credential: transport.NewAPIKey("secret-key"), Allowed: allowed, Telemetry: []transport.Telemetry{o}}
}

// Each attempt is a span beneath the caller's, and nothing recorded is secret.
func TestAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t)
		sent := 0
		server := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("X-Api-Key") != "secret-key" || r.Header.Get("Traceparent") != "" {
				t.Errorf("sent the header %v", r.Header)
			}
			time.Sleep(250 * time.Millisecond)
			resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Secret": {"secret-header"}}, Body: http.NoBody, Request: r}
			switch sent++; sent {
			case 1:
				resp.StatusCode = http.StatusServiceUnavailable
			case 2:
				return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("secret-text")}
			}
			return resp, nil
		})
		start := time.Now()
		if err := get(t.Context(), t, transport.Stack(server, layers(t, o)), getThing, home+"/things/1?q=secret-query"); err != nil {
			t.Fatal(err)
		}
		waited := time.Since(start) - 3*250*time.Millisecond
		const base = "http.request.method=GET"
		const end = "server.address=apis.roblox.com,url.template=/things/{id}"
		o.wantSpans(
			"things.GetThing client Error error.type=503,"+base+",http.response.status_code=503,"+end,
			"things.GetThing client Error error.type=read,"+base+",http.request.resend_count=1,"+end,
			"things.GetThing client Unset "+base+",http.request.resend_count=2,http.response.status_code=200,"+end,
		)
		const metricEnd = "rblx.method=things.GetThing," + end
		o.wantMetrics(map[string]string{
			"http.client.request.duration error.type=503," + base + ",http.response.status_code=503," + metricEnd: "1: 0.25",
			"http.client.request.duration error.type=read," + base + "," + metricEnd:                              "1: 0.25",
			"http.client.request.duration " + base + ",http.response.status_code=200," + metricEnd:                "1: 0.25",
			"rblx.client.retries rblx.method=things.GetThing":                                                     "2",
			"rblx.client.wait.duration outcome=ok,rblx.method=things.GetThing,reason=retry":                       fmt.Sprintf("2: %.2f", waited.Seconds()),
		})
	})
}

// Waits for a turn are measured by what came of them; no wait is none.
func TestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t)
		server := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		})
		l := layers(t, o)
		l.Pacer = new(transport.Pacer)
		rt := transport.Stack(server, l)
		slow := *getThing
		slow.KeyLimit = transport.Limit{Max: 1, Per: time.Minute}
		for range 2 {
			if err := get(t.Context(), t, rt, &slow, home+"/things/1"); err != nil {
				t.Fatal(err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := get(short, t, rt, &slow, home+"/things/1"); err == nil {
			t.Fatal("a call without time was sent")
		}
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, leave)
		if err := get(ctx, t, rt, &slow, home+"/things/1"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		o.wantMetrics(map[string]string{
			"http.client.request.duration http.request.method=GET,http.response.status_code=200,rblx.method=things.GetThing,server.address=apis.roblox.com,url.template=/things/{id}": "2: 0.00",
			"rblx.client.wait.duration outcome=ok,rblx.method=things.GetThing,reason=turn":                                                                                            "1: 60.00",
			"rblx.client.wait.duration outcome=no_time,rblx.method=things.GetThing,reason=turn":                                                                                       "1: 0.00",
			"rblx.client.wait.duration outcome=left,rblx.method=things.GetThing,reason=turn":                                                                                          "1: 2.00",
		})
	})
}

// A wait for another attempt that the caller does not see through is one too,
// and what is not waited for at all, because of the deadline, is none.
func TestRetryWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t)
		server := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"8"}}, Body: http.NoBody, Request: r}, nil
		})
		rt := transport.Stack(server, layers(t, o))
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := get(short, t, rt, getThing, home+"/things/1"); err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, leave)
		if err := get(ctx, t, rt, getThing, home+"/things/1"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		o.wantMetrics(map[string]string{
			"http.client.request.duration error.type=429,http.request.method=GET,http.response.status_code=429,rblx.method=things.GetThing,server.address=apis.roblox.com,url.template=/things/{id}": "2: 0.00",
			"rblx.client.wait.duration outcome=left,rblx.method=things.GetThing,reason=retry":                                                                                                        "1: 2.00",
		})
	})
}

// What is kept for attempts that are alike is right for those that are not: by
// verb, host, port, method, result and whether it is a redirect's.
func TestSeries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // in which an attempt takes no time
		o := observe(t)
		status := 0
		rt := o.RoundTripper(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if status == 0 {
				return nil, context.DeadlineExceeded
			}
			return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
		}))
		other := &transport.Method{Name: "things.Other", Path: "/other"}
		hop := new(http.Response)
		for range 2 { // the second time from what is kept
			for _, tt := range []struct {
				m         *transport.Method
				verb, url string
				hop       *http.Response
				status    int
			}{
				{getThing, "GET", home, nil, 200},
				{getThing, "GET", home, nil, 404},
				{getThing, "GET", home, nil, 0},
				{getThing, "GET", home, hop, 200},
				{getThing, "POST", home, nil, 200},
				{getThing, "BREW", home + ":8443", nil, 200},
				{other, "GET", home, nil, 200},
				{nil, "GET", home, nil, 200},
			} {
				req, err := http.NewRequestWithContext(transport.WithMethod(t.Context(), tt.m), tt.verb, tt.url, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Response, status = tt.hop, tt.status
				if resp, err := rt.RoundTrip(req); err == nil {
					_ = resp.Body.Close()
				}
			}
		}
		const at, template, ok = ",server.address=apis.roblox.com", ",url.template=/things/{id}", ",http.response.status_code=200"
		want := []string{
			"things.GetThing client Unset http.request.method=GET" + ok + at + template,
			"things.GetThing client Error error.type=404,http.request.method=GET,http.response.status_code=404" + at + template,
			"things.GetThing client Error error.type=timeout,http.request.method=GET" + at + template,
			"things.GetThing client Unset http.request.method=GET" + ok + at,
			"things.GetThing client Unset http.request.method=POST" + ok + at + template,
			"things.GetThing client Unset http.request.method=_OTHER" + ok + at + ",server.port=8443" + template,
			"things.Other client Unset http.request.method=GET" + ok + at + ",url.template=/other",
			"GET client Unset http.request.method=GET" + ok + at,
		}
		o.wantSpans(append(want, want...)...)
		const measured, thing = "http.client.request.duration ", ",rblx.method=things.GetThing"
		o.wantMetrics(map[string]string{
			measured + "http.request.method=GET" + ok + thing + at + template:                                         "2: 0.00",
			measured + "error.type=404,http.request.method=GET,http.response.status_code=404" + thing + at + template: "2: 0.00",
			measured + "error.type=timeout,http.request.method=GET" + thing + at + template:                           "2: 0.00",
			measured + "http.request.method=GET" + ok + thing + at:                                                    "2: 0.00",
			measured + "http.request.method=POST" + ok + thing + at + template:                                        "2: 0.00",
			measured + "http.request.method=_OTHER" + ok + thing + at + ",server.port=8443" + template:                "2: 0.00",
			measured + "http.request.method=GET" + ok + ",rblx.method=things.Other" + at + ",url.template=/other":     "2: 0.00",
			measured + "http.request.method=GET" + ok + at:                                                            "2: 0.00",
		})
	})
}

// Hosts without end, as a server may redirect to, are all measured, and what is
// kept of them has a bound.
func TestManyHosts(t *testing.T) {
	t.Parallel()
	o := observe(t)
	rt := o.RoundTripper(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	}))
	const hosts = 5000 // more than are kept
	for i := range hosts {
		if err := get(t.Context(), t, rt, getThing, fmt.Sprintf("https://h%d.example/", i)); err != nil {
			t.Fatal(err)
		}
	}
	spans := o.spans.Ended()
	if len(spans) != hosts {
		t.Fatalf("%d spans, want %d", len(spans), hosts)
	}
	for i, s := range spans {
		if want := attribute.String("server.address", fmt.Sprintf("h%d.example", i)); s.Attributes()[1] != want {
			t.Fatalf("span %d has %v, want %v", i, s.Attributes(), want)
		}
	}
	if kept := oteltransport.Kept(o.Telemetry); kept > 4096 {
		t.Errorf("%d series are kept", kept)
	}
}

// Where a redirect leads has not the template of the method, and a request
// without a method is named by its verb.
func TestRedirect(t *testing.T) {
	t.Parallel()
	o := observe(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/content" {
			http.Redirect(w, r, "/content?signature=secret", http.StatusFound)
		}
	}))
	defer server.Close()
	rt := o.RoundTripper(server.Client().Transport)
	for _, m := range []*transport.Method{getThing, nil} {
		if err := get(t.Context(), t, rt, m, server.URL+"/things/1"); err != nil {
			t.Fatal(err)
		}
	}
	at := fmt.Sprintf("server.address=127.0.0.1,server.port=%d", server.Listener.Addr().(*net.TCPAddr).Port)
	const found, ok = "client Unset http.request.method=GET,http.response.status_code=302,", "client Unset http.request.method=GET,http.response.status_code=200,"
	o.wantSpans(
		"things.GetThing "+found+at+",url.template=/things/{id}", "things.GetThing "+ok+at,
		"GET "+found+at, "GET "+ok+at,
	)
}

// Without providers the global ones are meant, which do nothing by default.
func TestGlobal(t *testing.T) {
	t.Parallel()
	telemetry, err := oteltransport.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if err := get(t.Context(), t, telemetry.RoundTripper(server.Client().Transport), getThing, server.URL); err != nil {
		t.Error(err)
	}
}
