package oauth_test

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/filestore"
)

// BenchmarkExpiredToken has 10,000 callers of two processes over one file store
// find the token expired at once, at a token endpoint that takes 40 ms and
// more. It reports the token POSTs and how late callers are beyond what the
// endpoint took. Beside it, two processes of x/oauth2, each with one TokenSource
// made of the stored token, as is usual: one of them is refused, and the grant
// with it. And as many goroutines that wait for a channel and a context, and do
// nothing else: no caller can be earlier.
func BenchmarkExpiredToken(b *testing.B) {
	const (
		callers = 10_000
		latency = 40 * time.Millisecond
	)
	start := func(b *testing.B) *emulatortest.Emulator {
		b.Helper()
		return emulatortest.Start(b, func(o *emulator.Options) { o.AutoConsent, o.AccessTTL = true, 4*time.Second })
	}
	report := func(b *testing.B, late []time.Duration, posts int) {
		b.Helper()
		slices.Sort(late)
		b.ReportMetric(float64(posts)/float64(b.N), "POSTs/expiry")
		b.ReportMetric(float64(late[len(late)/2].Microseconds())/1000, "ms-late-p50")
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "ms-late-p99")
		b.ReportMetric(float64(late[len(late)-1].Microseconds())/1000, "ms-late-max")
	}
	herd := func(took *atomic.Int64, call func(i int)) []time.Duration {
		late := make([]time.Duration, callers)
		var ready, done sync.WaitGroup
		gate := make(chan struct{})
		var began time.Time
		for i := range callers {
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				<-gate
				call(i)
				late[i] = time.Since(began)
			})
		}
		ready.Wait()
		began = time.Now()
		close(gate)
		done.Wait()
		for i := range late {
			late[i] -= time.Duration(took.Load())
		}
		return late
	}
	b.Run("opencloud", func(b *testing.B) {
		emu := start(b)
		dir := filepath.Join(b.TempDir(), "grants")
		var apps []*oauth.App
		var config oauth.Config
		var took atomic.Int64
		for range 2 {
			store, err := filestore.Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			config = emu.OAuth(b, store)
			config.HTTPClient = &http.Client{Transport: stopwatch{&took}}
			app, err := oauth.New(config)
			if err != nil {
				b.Fatal(err)
			}
			defer app.Close(context.Background())
			apps = append(apps, app)
		}
		id := emulatortest.SignIn(b, apps[0], config.RedirectURL)
		var late []time.Duration
		emu.ClearLog()
		for b.Loop() {
			b.StopTimer()
			info, err := apps[0].Grant(id).Info(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			time.Sleep(time.Until(info.Expiry))
			emu.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, After: true, Delay: latency})
			b.StartTimer()
			late = append(late, herd(&took, func(i int) {
				if _, err := apps[i%2].Grant(id).Token(b.Context()); err != nil {
					b.Error(err)
				}
			})...)
		}
		report(b, late, emu.Log().TokenPOSTs("refresh_token"))
	})
	b.Run("a channel alone", func(b *testing.B) {
		var late []time.Duration
		var took atomic.Int64
		for b.Loop() {
			answered := make(chan struct{})
			ask := sync.OnceFunc(func() {
				began := time.Now()
				time.AfterFunc(latency, func() {
					took.Store(int64(time.Since(began)))
					close(answered)
				})
			})
			late = append(late, herd(&took, func(int) {
				ask()
				select {
				case <-answered:
				case <-b.Context().Done():
				}
			})...)
		}
		report(b, late, 0)
	})
	b.Run("x-oauth2", func(b *testing.B) {
		emu := start(b)
		var late []time.Duration
		var refused, took atomic.Int64
		took.Store(int64(latency))
		posts := 0
		for b.Loop() {
			b.StopTimer()
			config, stored := exchange(b, emu)
			stored.Expiry = time.Now().Add(-time.Second)
			processes := []oauth2.TokenSource{config.TokenSource(b.Context(), stored), config.TokenSource(b.Context(), stored)}
			emu.ClearLog()
			emu.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, After: true, Delay: latency, Times: 2})
			b.StartTimer()
			late = append(late, herd(&took, func(i int) {
				if _, err := processes[i%2].Token(); err != nil {
					refused.Add(1)
				}
			})...)
			b.StopTimer()
			posts += emu.Log().TokenPOSTs("refresh_token")
			b.StartTimer()
		}
		report(b, late, posts)
		b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/expiry")
	})
}

// stopwatch notes how long the last request took.
type stopwatch struct{ took *atomic.Int64 }

func (s stopwatch) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	defer func() { s.took.Store(int64(time.Since(began))) }()
	return http.DefaultTransport.RoundTrip(r)
}

// exchange signs in with x/oauth2 alone.
func exchange(b *testing.B, emu *emulatortest.Emulator) (*oauth2.Config, *oauth2.Token) {
	b.Helper()
	opts := emu.Emulator.Options()
	config := &oauth2.Config{
		ClientID: opts.ClientID, ClientSecret: string(opts.ClientSecret), RedirectURL: opts.RedirectURLs[0], Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: emu.URL + "/oauth/v1/authorize", TokenURL: emu.URL + "/oauth/v1/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		b.Fatal(err)
	}
	token, err := config.Exchange(b.Context(), to.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		b.Fatal(err)
	}
	return config, token
}
