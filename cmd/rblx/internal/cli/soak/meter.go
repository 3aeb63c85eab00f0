package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/rblx-go/opencloud/oauth"
)

// tally is what a process has done since it began.
type tally struct {
	Calls        int  `json:"calls"`
	CallErrors   int  `json:"call_errors"`
	InvalidGrant int  `json:"invalid_grant"` // answers of the token endpoint
	Refreshed    int  `json:"refreshed"`     // rotations of its own
	Adopted      int  `json:"adopted"`       // rotations learnt from the store
	Probes       int  `json:"probes"`        // refresh tokens presented in doubt
	Lost         bool `json:"lost"`          // the grant has to be authorized anew
}

func (t tally) plus(u tally) tally {
	return tally{
		t.Calls + u.Calls, t.CallErrors + u.CallErrors, t.InvalidGrant + u.InvalidGrant,
		t.Refreshed + u.Refreshed, t.Adopted + u.Adopted, t.Probes + u.Probes, t.Lost || u.Lost,
	}
}

// meter counts what an App does, by its events, its log and its requests.
type meter struct {
	base http.RoundTripper

	mu    sync.Mutex
	tally tally
}

func (m *meter) count(add func(*tally)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	add(&m.tally)
}

func (m *meter) read() (t tally) {
	m.count(func(now *tally) { t = *now })
	return t
}

// hear is an oauth.Config.OnTokenChange.
func (m *meter) hear(_ context.Context, e oauth.TokenEvent) {
	m.count(func(t *tally) {
		switch e.Kind {
		case oauth.EventRefreshed:
			t.Refreshed++
		case oauth.EventAdopted:
			t.Adopted++
		case oauth.EventNeedsReauth:
			t.Lost = true
		}
	})
}

// RoundTrip implements http.RoundTripper, for requests to the provider.
func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.base.RoundTrip(r)
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return resp, err // an answer with tokens passes untouched
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var refusal struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &refusal) == nil && refusal.Error == "invalid_grant" {
		m.count(func(t *tally) { t.InvalidGrant++ })
	}
	return resp, nil
}

// logger counts the refreshes that say they are probes.
func (m *meter) logger() *slog.Logger { return slog.New(probeCounter{m}) }

type probeCounter struct{ m *meter }

func (probeCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c probeCounter) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "probe" && a.Value.Kind() == slog.KindBool && a.Value.Bool() {
			c.m.count(func(t *tally) { t.Probes++ })
		}
		return true
	})
	return nil
}

func (c probeCounter) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c probeCounter) WithGroup(string) slog.Handler { return c }
