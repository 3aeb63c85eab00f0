package transport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

var getThing = &transport.Method{
	Name: "things.GetThing", Verb: http.MethodGet, Path: "/things/{id}", Key: true, OAuth: true, Class: transport.Safe,
	KeyLimit: transport.Limit{Max: 100, Per: time.Minute}, TokenLimit: transport.Limit{Max: 10, Per: time.Minute},
}

const home = "https://apis.roblox.com"

func homeOrigins(t testing.TB) transport.Origins {
	t.Helper()
	o, err := transport.ParseOrigins(home)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// call sends one request of m and returns its status, 0 for none.
func call(ctx context.Context, t testing.TB, rt http.RoundTripper, m *transport.Method, caller string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(transport.WithMethod(ctx, m), http.MethodGet, home+"/things/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Caller", caller)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// paced sends n requests of getThing at once and waits for all of them.
func paced(t *testing.T, rt http.RoundTripper, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if status, err := call(t.Context(), t, rt, getThing, ""); err != nil || status != http.StatusOK {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
	all.Wait()
}

// Ten thousand callers at a hundred a minute: every window is full, none
// overflows, whatever the clocks and the network are like.
func TestPaceSendsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		server *honest
	}{
		{"clocks agree", &honest{}},
		{"server ahead", &honest{skew: 17300 * time.Millisecond}},
		{"server behind", &honest{skew: -23700 * time.Millisecond}},
		{"slow network", &honest{skew: 41 * time.Second, there: 700 * time.Millisecond, back: 2 * time.Second}},
		{"no headers", &honest{silent: true}},
		{"no headers, slow", &honest{silent: true, there: 900 * time.Millisecond, back: 300 * time.Millisecond}},
		{"lower than described", &honest{max: 40}},
		{"higher than described", &honest{max: 250}},
		{"a window of ten seconds", &honest{per: 10 * time.Second, max: 20}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const callers = 10_000
				server := tt.server
				server.per = max(server.per, time.Second)
				if server.per == time.Second {
					server.per = time.Minute
				}
				if server.max == 0 {
					server.max = 100
				}
				if server.there+server.back == 0 {
					server.there, server.back = 20*time.Millisecond, 20*time.Millisecond
				}
				time.Sleep(25_400 * time.Millisecond) // begin within a window
				pacer := new(transport.Pacer)
				rt := pacer.RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
				start, first := time.Now(), 0
				if server.max != getThing.KeyLimit.Max {
					first = 1 // whose answer tells what the description gets wrong
					paced(t, rt, first)
				}
				paced(t, rt, callers-first)

				if server.refused != 0 {
					t.Errorf("%d answers of 429, want none", server.refused)
				}
				windows := make([]int64, 0, len(server.windows))
				for w := range server.windows {
					windows = append(windows, w)
				}
				slices.Sort(windows)
				total := 0
				for i, w := range windows {
					n := server.windows[w]
					total += n
					if i > 0 && (w != windows[i-1]+1 || i < len(windows)-1 && n != server.max) {
						t.Errorf("window %d of %d let %d through, want %d", i, len(windows), n, server.max)
					}
				}
				if total != callers {
					t.Errorf("%d requests arrived, want %d", total, callers)
				}
				if least, took := time.Duration(callers/server.max-1)*server.per, time.Since(start); took > least+2*server.per {
					t.Errorf("it took %v, where %v is the least", took, least)
				}
			})
		})
	}
}

// A burst right after a slow trickle must not count the trickle's last requests
// in the wrong window.
func TestPaceAcrossWindows(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 400 * time.Millisecond, 7 * time.Second, -31900 * time.Millisecond} {
		for _, silent := range []bool{false, skew == 0} {
			synctest.Test(t, func(t *testing.T) {
				server := &honest{max: 100, per: time.Minute, skew: skew, silent: silent, there: 150 * time.Millisecond, back: 50 * time.Millisecond}
				rt := new(transport.Pacer).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
				for i := range 60 {
					paced(t, rt, 1+i%7)
					time.Sleep(time.Duration(i%11) * 300 * time.Millisecond)
				}
				paced(t, rt, 500)
				if server.refused != 0 {
					t.Errorf("skew %v, silent %v: %d answers of 429, want none", skew, silent, server.refused)
				}
			})
		}
	}
}

func TestPaceLeavesIdleClientsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 100, per: time.Minute, skew: 13 * time.Second}
		rt := new(transport.Pacer).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
		for range 20 {
			start := time.Now()
			paced(t, rt, 90)
			if waited := time.Since(start); waited != 0 {
				t.Fatalf("waited %v with room left", waited)
			}
			time.Sleep(61 * time.Second)
		}
	})
}

// Others share the owner's limit; the answers tell what they leave.
func TestPaceLeavesOthersTheirShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 100, per: time.Minute, skew: 3 * time.Second, foreign: 60, there: 10 * time.Millisecond}
		rt := new(transport.Pacer).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
		start := time.Now()
		for range 200 {
			paced(t, rt, 1)
		}
		if took := time.Since(start); server.refused != 0 || took > 5*time.Minute {
			t.Errorf("200 requests at 40 a minute: %d answers of 429 in %v", server.refused, took)
		}
	})
}

func TestPaceIsFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 10, per: time.Minute}
		m := *getThing
		m.KeyLimit.Max = 10
		rt := new(transport.Pacer).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
		var all sync.WaitGroup
		for i := range 95 {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			all.Go(func() { _, _ = call(ctx, t, rt, &m, strconv.Itoa(i)) })
			synctest.Wait() // it is in the queue
			if i%10 == 5 && i > 10 {
				cancel() // who leaves takes no place
			}
		}
		all.Wait()
		var want []string
		for i := range 95 {
			if i%10 != 5 || i < 10 {
				want = append(want, strconv.Itoa(i))
			}
		}
		// Those of one window go together, in whatever order they are scheduled.
		for chunk := range slices.Chunk(server.arrivals, 10) {
			expected := want[:len(chunk)]
			want = want[len(chunk):]
			slices.Sort(chunk)
			slices.Sort(expected)
			if !slices.Equal(chunk, expected) {
				t.Fatalf("a window served %q, want %q", chunk, expected)
			}
		}
		if len(want) != 0 {
			t.Errorf("%q were not served", want)
		}
	})
}

func TestPaceWaitsInTheCallersContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &honest{max: 100, per: time.Minute}
		rt := new(transport.Pacer).RoundTripper(server, transport.NewAPIKey(canary), homeOrigins(t))
		paced(t, rt, 100)

		start := time.Now()
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := call(short, t, rt, getThing, "short")
		var early *transport.WaitError
		if !errors.As(err, &early) || !errors.Is(err, context.DeadlineExceeded) || early.Wait <= 10*time.Second || early.Method != getThing.Name {
			t.Errorf("a deadline before the turn: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v for what could not be", waited)
		}

		left := errors.New("left")
		ctx, leave := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { leave(left) })
		if _, err := call(ctx, t, rt, getThing, "left"); !errors.Is(err, left) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := call(ctx, t, rt, getThing, "gone"); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled before: %v", err)
		}
		if len(server.arrivals) != 100 {
			t.Errorf("%d requests were sent, want 100", len(server.arrivals))
		}
	})
}

func TestPaceCountsCredentialsAndMethodsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		pacer := new(transport.Pacer)
		other := *getThing
		other.Name = "things.Other"
		for _, m := range []*transport.Method{getThing, &other} {
			for _, key := range []string{"a", "b"} {
				rt := pacer.RoundTripper(&honest{max: 100, per: time.Minute}, transport.NewAPIKey(key), homeOrigins(t))
				for range 100 {
					if _, err := call(t.Context(), t, rt, m, ""); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v with room left", waited)
		}
	})
}

// What one answer asks for holds for all, and no answer stops everybody for long.
func TestPaceBelievesRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{http.Header{"Retry-After": {"5"}, "X-Ratelimit-Reset": {"22, 0"}, "X-Ratelimit-Remaining": {"0, 70000"}}, 22 * time.Second},
		{http.Header{"Retry-After": {"86400"}}, 5 * time.Minute},
		{http.Header{"Retry-After": {"31536000"}}, 5 * time.Minute},
		{http.Header{"Retry-After": {"-3"}, "X-Ratelimit-Remaining": {"lots"}, "X-Ratelimit-Limit": {"-1;w=x"}, "X-Ratelimit-Reset": {"\x00"}}, time.Minute - time.Second},
		{nil, time.Minute - time.Second}, // until the window ends
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Second)
			answers := []int{http.StatusTooManyRequests, http.StatusOK}
			rt := new(transport.Pacer).RoundTripper(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{StatusCode: answers[0], Header: tt.header, Body: http.NoBody, Request: r}
				answers = answers[1:]
				return resp, nil
			}), transport.NewAPIKey(canary), homeOrigins(t))
			start := time.Now()
			for _, want := range []int{http.StatusTooManyRequests, http.StatusOK} {
				if status, err := call(t.Context(), t, rt, getThing, ""); status != want || err != nil {
					t.Errorf("%d, %v, want %d", status, err, want)
				}
			}
			if waited := time.Since(start); waited != tt.want {
				t.Errorf("%v: the next waited %v, want %v", tt.header, waited, tt.want)
			}
		})
	}
}

// A reset is believed as far as the window can be long, or five minutes if nobody
// tells how long that is: milliseconds, say, would stop everybody for most of a
// day.
func TestPaceBelievesResetsWithinTheWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		known transport.Limit
		limit string
		reset string
		want  time.Duration
	}{
		{"within", transport.Limit{Max: 60, Per: time.Minute}, "60", "60", time.Minute},
		{"described", transport.Limit{Max: 60, Per: time.Minute}, "60", "60000", 62 * time.Second}, // the minute and the margin
		{"told", transport.Limit{}, "60;w=3600", "3600", time.Hour},
		{"told anew", transport.Limit{Max: 60, Per: time.Minute}, "60;w=3600", "60000", time.Hour + 2*time.Second},
		{"unknown", transport.Limit{}, "60", "200", 200 * time.Second},
		{"unknown and far", transport.Limit{}, "60", "60000", 5 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			header := http.Header{"X-Ratelimit-Limit": {tt.limit}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {tt.reset}}
			rt := new(transport.Pacer).RoundTripper(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Header: header, Body: http.NoBody, Request: r}, nil
			}), transport.NewAPIKey(canary), homeOrigins(t))
			m := &transport.Method{Name: "x.Y", KeyLimit: tt.known}
			start := time.Now()
			for range 2 {
				if status, err := call(t.Context(), t, rt, m, ""); status != http.StatusOK || err != nil {
					t.Fatal(status, err)
				}
			}
			if waited := time.Since(start); waited != tt.want {
				t.Errorf("%s: the second waited %v, want %v", tt.name, waited, tt.want)
			}
		})
	}
}
