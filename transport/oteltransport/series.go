package oteltransport

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/rblx-go/opencloud/transport"
)

// series is what is recorded of all attempts that are alike, made once for all
// of them. What it holds is shared and never changed.
type series struct {
	name    string // of spans
	start   []trace.SpanStartOption
	retry   []metric.AddOption
	attrs   []attribute.KeyValue // of the metric, without the result's
	results sync.Map             // of result to *recorded
	last    atomic.Pointer[recorded]
}

// kind is what tells series apart.
type kind struct{ method, template, verb, host string }

// result is how an attempt went: its status, or the error's type.
type result struct {
	status    int
	errorType string
}

type recorded struct {
	result
	span   []attribute.KeyValue
	metric []metric.RecordOption
}

// maxKept is how many series and their results are kept. Programs have a few
// dozen; hosts that are redirected to may be many.
const maxKept = 4096

// seriesCache forgets all when it is full.
type seriesCache struct {
	series sync.Map // of kind to *series
	kept   atomic.Int64
}

// room makes room for one more.
func (c *seriesCache) room() {
	if c.kept.Add(1) > maxKept {
		c.series.Clear()
		c.kept.Store(1)
	}
}

// of returns the series that r belongs to.
func (c *seriesCache) of(r *http.Request) *series {
	k := kind{verb: verb(r), host: r.URL.Host}
	if m := transport.MethodFrom(r.Context()); m != nil {
		k.method = m.Name
		if r.Response == nil { // where a redirect leads is none of the method's paths
			k.template = m.Path
		}
	}
	if s, ok := c.series.Load(k); ok {
		return s.(*series)
	}
	c.room()
	s := newSeries(k, r)
	c.series.Store(k, s)
	return s
}

func newSeries(k kind, r *http.Request) *series {
	attrs := []attribute.KeyValue{attribute.String("http.request.method", k.verb), attribute.String("server.address", r.URL.Hostname())}
	if port, err := strconv.Atoi(r.URL.Port()); err == nil {
		attrs = append(attrs, attribute.Int("server.port", port))
	}
	if k.template != "" {
		attrs = append(attrs, attribute.String("url.template", k.template))
	}
	s := &series{
		name:  k.method,
		start: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...)},
		retry: []metric.AddOption{metric.WithAttributes(methodKey.String(k.method))},
		attrs: attrs,
	}
	if k.method == "" {
		s.name = k.verb
	} else {
		s.attrs = slices.Concat(attrs, []attribute.KeyValue{methodKey.String(k.method)})
	}
	return s
}

// result returns what is recorded of attempts that went so.
func (s *series) result(c *seriesCache, resp *http.Response, err error) *recorded {
	var how result
	if err != nil {
		how.errorType = transport.ErrorType(err)
	} else {
		how.status = resp.StatusCode
	}
	if last := s.last.Load(); last != nil && last.result == how {
		return last // as nearly always
	}
	if known, ok := s.results.Load(how); ok {
		s.last.Store(known.(*recorded))
		return known.(*recorded)
	}
	c.room()
	var attrs []attribute.KeyValue
	switch {
	case err != nil:
		attrs = append(attrs, attribute.String("error.type", how.errorType))
	case how.status >= http.StatusBadRequest:
		attrs = append(attrs, attribute.String("error.type", strconv.Itoa(how.status)))
		fallthrough
	default:
		attrs = append(attrs, attribute.Int("http.response.status_code", how.status))
	}
	known := &recorded{
		result: how, span: slices.Clip(attrs), // so that an append copies
		metric: []metric.RecordOption{metric.WithAttributes(slices.Concat(s.attrs, attrs)...)},
	}
	s.results.Store(how, known)
	return known
}

// verb returns "_OTHER" for one that is not known, so that there are few.
func verb(r *http.Request) string {
	switch r.Method {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}
