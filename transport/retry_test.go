package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

var (
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

// script answers one outcome after the other: a status, a response or an error.
// The last one is repeated.
type script struct {
	outcomes []any
	sent     int
	bodies   []string
	at       []time.Time
	closed   int // response bodies
	reqs     []*http.Request
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		body = string(b)
	}
	s.bodies, s.at, s.reqs = append(s.bodies, body), append(s.at, time.Now()), append(s.reqs, r)
	out := s.outcomes[min(s.sent, len(s.outcomes)-1)]
	s.sent++
	resp := &http.Response{StatusCode: http.StatusOK, Request: r, Header: make(http.Header)}
	switch out := out.(type) {
	case error:
		return nil, out
	case http.Header:
		resp.StatusCode, resp.Header = http.StatusTooManyRequests, out
	case int:
		resp.StatusCode = out
	}
	resp.Body = &closeCounter{strings.NewReader(fmt.Sprintf("answer %d", s.sent)), &s.closed}
	return resp, nil
}

type closeCounter struct {
	io.Reader
	closed *int
}

func (c *closeCounter) Close() error { *c.closed++; return nil }

func classed(class transport.Class) *transport.Method {
	return &transport.Method{Name: "x.Y", Class: class}
}

func post(ctx context.Context, t testing.TB, m *transport.Method, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(transport.WithMethod(ctx, m), http.MethodPost, home+"/x", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// What is sent how often, by class and outcome. Every body arrives whole each
// time, and what the caller gets is the last answer.
func TestRetryByClass(t *testing.T) {
	t.Parallel()
	const most = 4
	untrusted := &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}
	for _, tt := range []struct {
		outcome                                 any
		unsafe, keyless, keyed, idempotent, get int
	}{
		{200, 1, 1, 1, 1, 1},
		{304, 1, 1, 1, 1, 1},
		{400, 1, 1, 1, 1, 1},
		{401, 1, 1, 1, 1, 1},
		{404, 1, 1, 1, 1, 1},
		{409, 1, 1, 1, 1, 1},
		{501, 1, 1, 1, 1, 1},
		{408, 1, 1, most, most, most},
		{429, most, most, most, most, most},
		{500, 1, 1, most, most, most},
		{502, 1, 1, most, most, most},
		{503, 1, 1, most, most, most},
		{504, 1, 1, most, most, most},
		{error(errDial), most, most, most, most, most},
		{error(errReset), 1, 1, most, most, most},
		{io.ErrUnexpectedEOF, 1, 1, most, most, most},
		{error(untrusted), 1, 1, 1, 1, 1},
		{error(unknown), 1, 1, 1, 1, 1},
		{context.DeadlineExceeded, 1, 1, most, most, most}, // not the caller's: an http.Transport's own
	} {
		for _, c := range []struct {
			name  string
			class transport.Class
			keyed bool
			want  int
		}{
			{"unsafe", transport.Unsafe, false, tt.unsafe},
			{"unsafe with a key", transport.Unsafe, true, tt.unsafe},
			{"by key, without", transport.IdempotentByKey, false, tt.keyless},
			{"by key", transport.IdempotentByKey, true, tt.keyed},
			{"idempotent", transport.Idempotent, false, tt.idempotent},
			{"safe", transport.Safe, false, tt.get},
		} {
			synctest.Test(t, func(t *testing.T) {
				s := &script{outcomes: []any{tt.outcome}}
				req := post(t.Context(), t, classed(c.class), strings.NewReader("payload"))
				if c.keyed {
					req.URL.RawQuery = "idempotencyKey.key=k"
				}
				resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(req)
				if s.sent != c.want || strings.Join(s.bodies, "") != strings.Repeat("payload", c.want) {
					t.Errorf("%v, %s: sent %q, want %d", tt.outcome, c.name, s.bodies, c.want)
				}
				if want, ok := tt.outcome.(error); ok {
					if !errors.Is(err, want) || resp != nil {
						t.Errorf("%v, %s: returned %v, %v", tt.outcome, c.name, resp, err)
					}
					return
				}
				if err != nil || resp.StatusCode != tt.outcome {
					t.Fatalf("%v, %s: returned %v, %v", tt.outcome, c.name, resp, err)
				}
				body, err := io.ReadAll(resp.Body)
				if want := fmt.Sprintf("answer %d", c.want); err != nil || string(body) != want {
					t.Errorf("%v, %s: the body is %q, %v, want %q", tt.outcome, c.name, body, err, want)
				}
				if err := resp.Body.Close(); err != nil || s.closed != c.want {
					t.Errorf("%v, %s: closed %d bodies, want %d", tt.outcome, c.name, s.closed, c.want)
				}
			})
		}
	}
}

// Without a Method the verb decides.
func TestRetryByVerb(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]int{"GET": 4, "HEAD": 4, "PUT": 4, "DELETE": 4, "POST": 1, "PATCH": 1, "": 4} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{outcomes: []any{503}}
			req, err := http.NewRequestWithContext(t.Context(), verb, home, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(req)
			if err != nil || resp.StatusCode != http.StatusServiceUnavailable || s.sent != want {
				t.Errorf("%s: sent %d, want %d (%v)", verb, s.sent, want, err)
			}
			resp.Body.Close()
		})
	}
}

func TestRetryEndsWithSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []any{error(errReset), 503, 200}}
		resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(post(t.Context(), t, classed(transport.Safe), nil))
		if err != nil || resp.StatusCode != http.StatusOK || s.sent != 3 {
			t.Fatalf("%v, %v after %d", resp, err, s.sent)
		}
		resp.Body.Close()
		for i, r := range s.reqs {
			if got := transport.Attempt(r.Context()); got != i+1 {
				t.Errorf("attempt %d says that it is %d", i+1, got)
			}
		}
	})
}

func TestRetryNeedsGetBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []any{429}}
		resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(post(t.Context(), t, classed(transport.Safe), io.NopCloser(strings.NewReader("once"))))
		if err != nil || resp.StatusCode != http.StatusTooManyRequests || s.sent != 1 {
			t.Errorf("sent %d, %v", s.sent, err)
		}
		resp.Body.Close()
	})
}

// The waits: at least what the answer asks for, at most that and the backoff.
func TestRetryWaits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcome any
		asked   time.Duration
		sent    int
	}{
		{503, 0, 4},
		{http.Header{"Retry-After": {"7"}}, 7 * time.Second, 4},
		{http.Header{"Retry-After": {"5"}, "X-Ratelimit-Reset": {"22, 0"}}, 22 * time.Second, 4},
		{http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:47 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}, 10 * time.Second, 4},
		{http.Header{"Retry-After": {"-7"}}, 0, 4},
		{http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:37 GMT"}}, 0, 4}, // long past
		{http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"1e300,NaN,;"}}, 0, 4},
		{http.Header{"Retry-After": {"91"}}, 0, 1},
		{http.Header{"Retry-After": {"31536000"}}, 0, 1},
		{http.Header{"Retry-After": {"Fri, 31 Dec 9999 23:59:59 GMT"}}, 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{outcomes: []any{tt.outcome}}
			resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(post(t.Context(), t, classed(transport.Safe), nil))
			if err != nil || s.sent != tt.sent {
				t.Fatalf("%v: sent %d, want %d (%v)", tt.outcome, s.sent, tt.sent, err)
			}
			resp.Body.Close()
			for i := 1; i < len(s.at); i++ {
				waited := s.at[i].Sub(s.at[i-1])
				if most := tt.asked + 500*time.Millisecond<<(i-1); waited < tt.asked || waited > most {
					t.Errorf("%v: waited %v before attempt %d, want %v to %v", tt.outcome, waited, i+1, tt.asked, most)
				}
			}
		})
	}
}

// Full jitter: waits are spread over the whole range, so that callers who
// failed together do not come back together.
func TestRetryJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var low, high int
		for range 200 {
			s := &script{outcomes: []any{503, 200}}
			resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(post(t.Context(), t, classed(transport.Safe), nil))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			switch waited := s.at[1].Sub(s.at[0]); {
			case waited < 100*time.Millisecond:
				low++
			case waited > 400*time.Millisecond:
				high++
			}
		}
		if low < 10 || high < 10 {
			t.Errorf("of 200 waits up to 500ms %d were below 100ms and %d above 400ms", low, high)
		}
	})
}

// The deadline is the budget: what cannot be in time is not waited for.
func TestRetryWithinTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		s := &script{outcomes: []any{http.Header{"Retry-After": {"8"}}}}
		resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(post(ctx, t, classed(transport.Safe), nil))
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("%v, %v, want the last answer", resp, err)
		}
		resp.Body.Close()
		if took := time.Since(start); s.sent != 3 || took > 18*time.Second {
			t.Errorf("sent %d in %v, want 3", s.sent, took)
		}
	})
}

func TestRetryWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := errors.New("left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(left) })
		s := &script{outcomes: []any{http.Header{"Retry-After": {"8"}}}}
		start := time.Now()
		resp, err := new(transport.Retry).RoundTripper(s).RoundTrip(post(ctx, t, classed(transport.Safe), strings.NewReader("x"))) //nolint:bodyclose // there is none
		if resp != nil || !errors.Is(err, left) || time.Since(start) != 3*time.Second || s.sent != 1 || s.closed != 1 {
			t.Errorf("%v, %v after %v, sent %d, closed %d", resp, err, time.Since(start), s.sent, s.closed)
		}
	})
}

// stalled is a body that never comes.
type stalled struct{ closed chan struct{} }

func (s stalled) Read([]byte) (int, error) { <-s.closed; return 0, io.ErrClosedPipe }
func (s stalled) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

// If the deadline passes during a wait after all, here because the body before
// it took its time, the last answer is returned and no error.
func TestRetryWaitEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const timeout = 1990 * time.Millisecond // time for the wait, and not for a second for the body too
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		sent, body := 0, &closeCounter{strings.NewReader("x"), new(int)}
		rt := new(transport.Retry).RoundTripper(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			sent++
			return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Body: stalled{make(chan struct{})}, Request: r}, nil
		}))
		start := time.Now()
		req := post(ctx, t, classed(transport.Safe), nil)
		req.Body, req.GetBody = body, func() (io.ReadCloser, error) { return body, nil }
		resp, err := rt.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests || sent != 1 {
			t.Fatalf("%v, %v after %d, want the answer", resp, err, sent)
		}
		if got, err := io.ReadAll(resp.Body); len(got) != 0 || err != nil {
			t.Errorf("the body is %q, %v", got, err)
		}
		resp.Body.Close()
		if took := time.Since(start); took != timeout || *body.closed != 1 {
			t.Errorf("took %v, closed the request's next body %d times", took, *body.closed)
		}
	})
}

// An outage of a host costs few requests more than were asked for, and no other
// host anything.
func TestRetryDoesNotMultiplyAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent := map[string]int{}
		policy := new(transport.Retry)
		rt := policy.RoundTripper(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			sent[r.URL.Host]++
			mu.Unlock()
			time.Sleep(10 * time.Millisecond)
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: make(http.Header), Body: http.NoBody, Request: r}, nil
		}))
		const calls = 10_000
		get := func(host string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host, nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		}
		start := time.Now()
		var all sync.WaitGroup
		for range calls {
			all.Go(func() { get("down.example") })
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		if most := calls + 10 + int(time.Since(start).Seconds()) + 1; sent["down.example"] > most {
			t.Errorf("%d calls became %d requests in %v, want at most %d", calls, sent["down.example"], time.Since(start), most)
		}
		get("other.example")
		if sent["other.example"] != 4 {
			t.Errorf("another host got %d requests, want 4", sent["other.example"])
		}
		time.Sleep(10 * time.Second)
		before := sent["down.example"]
		get("down.example")
		if got := sent["down.example"] - before; got != 4 {
			t.Errorf("after a while the host got %d requests, want 4", got)
		}
	})
}

// What a layer beneath stopped before the network is not tried again.
func TestRetryLeavesCredentialsAlone(t *testing.T) {
	t.Parallel()
	asked := 0
	gone := errors.New("needs to sign in again")
	cred := transport.NewAPIKeySource("rotating", func(context.Context) (string, error) { asked++; return "", gone })
	s := &script{outcomes: []any{200}}
	rt := transport.Stack(s, transport.Layers{Retry: new(transport.Retry), Pacer: new(transport.Pacer), Credential: cred, Allowed: homeOrigins(t)})
	body := &closeCounter{strings.NewReader("x"), new(int)}
	req := post(t.Context(), t, classed(transport.Safe), body)
	resp, err := rt.RoundTrip(req) //nolint:bodyclose // there is none
	if resp != nil || !errors.Is(err, gone) || asked != 1 || s.sent != 0 || *body.closed != 1 {
		t.Errorf("%v, %v: asked %d times, sent %d, closed %d", resp, err, asked, s.sent, *body.closed)
	}
}

// A wire error comes through the whole stack as it is.
func TestStackKeepsErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []any{error(errReset)}}
		rt := transport.Stack(s, transport.Layers{Retry: &transport.Retry{Attempts: 2}, Pacer: new(transport.Pacer), Credential: transport.NewAPIKey(canary), Allowed: homeOrigins(t)})
		_, err := rt.RoundTrip(post(t.Context(), t, classed(transport.Safe), nil)) //nolint:bodyclose // there is none
		if err != error(errReset) || s.sent != 2 {                                 //nolint:errorlint // this very error
			t.Errorf("%v after %d", err, s.sent)
		}
	})
}

// After a 429 the turn may come too late: then the 429 is the answer.
func TestStackReturnsTheAnswerBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []any{429}} // the window is full, for a minute
		rt := transport.Stack(s, transport.Layers{Retry: new(transport.Retry), Pacer: new(transport.Pacer), Credential: transport.NewAPIKey(canary), Allowed: homeOrigins(t)})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		resp, err := rt.RoundTrip(post(ctx, t, getThing, nil))
		if err != nil || resp.StatusCode != http.StatusTooManyRequests || s.sent != 1 {
			t.Fatalf("%v, %v after %d", resp, err, s.sent)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "answer 1" || err != nil {
			t.Errorf("the body is %q, %v", body, err)
		}
		resp.Body.Close()
	})
}
