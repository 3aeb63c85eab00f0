package emulatortest_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// Two processes of 200 goroutines on one grant, over five expiries: one token
// POST each, no refresh token twice.
func TestOurGrantSurvives(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, short)
	store := oauth.NewMemoryStore()
	config := emu.OAuth(t, store)
	config.SendBudget, config.DrainMargin = 2*time.Second, 2*time.Second
	processes := []*oauth.App{newApp(t, config), newApp(t, config)}
	id := emulatortest.SignIn(t, processes[0], config.RedirectURL)

	const rounds = 5
	for range rounds {
		var callers sync.WaitGroup
		for i := range 400 {
			callers.Go(func() {
				if _, err := processes[i%2].Grant(id).UserInfo(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if _, err := processes[0].Grant(id).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	log := emu.Log()
	if posts, replays := log.TokenPOSTs("refresh_token"), log.Replays(); posts < rounds || len(replays) != 0 || len(log.Reuses()) != 0 {
		t.Errorf("%d refreshes, replays %v", posts, replays)
	}
	if err := processes[1].Grant(id).Revoke(t.Context()); err != nil {
		t.Error(err)
	}
}

// The usual persisting TokenSource over golang.org/x/oauth2 loses the same
// grant at the first expiry: that it does is what makes this emulator strict.
func TestPersistingTokenSourceLosesTheGrant(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, short)
	stored := signInWithXOAuth2(t, emu)
	emu.Advance(time.Hour)

	ctx := t.Context()
	var wg sync.WaitGroup
	failed := make([]error, 2)
	start := make(chan struct{})
	for i := range failed {
		// One process: it starts from the stored token and saves what it gets.
		source := stored.config.TokenSource(ctx, &oauth2.Token{RefreshToken: stored.load(), Expiry: time.Now().Add(-time.Minute)})
		wg.Go(func() {
			<-start
			for range 3 {
				tok, err := source.Token()
				if err != nil {
					failed[i] = err
					return
				}
				stored.save(tok.RefreshToken)
				source = stored.config.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken, Expiry: time.Now().Add(-time.Minute)})
			}
		})
	}
	close(start)
	wg.Wait()
	if failed[0] == nil && failed[1] == nil {
		t.Error("neither process was refused: the emulator is not strict")
	}
	if _, err := stored.config.TokenSource(ctx, &oauth2.Token{RefreshToken: stored.load()}).Token(); err == nil {
		t.Error("the grant lives on after a replay: the emulator is not strict")
	}
	if replays := emu.Log().Replays(); len(replays) == 0 {
		t.Error("no refresh token was presented twice")
	}
}

// x/oauth2 with its authentication style left open sends a refresh token again
// by itself when an answer gets lost.
func TestAutoDetectedAuthStyleReplays(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, short)
	stored := signInWithXOAuth2(t, emu)
	stored.config.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
	emu.ClearLog()
	emu.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, After: true, Kind: emulator.Drop})
	_, err := stored.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: stored.load()}).Token()
	if err == nil || emu.Log().TokenPOSTs("refresh_token") != 2 || len(emu.Log().Replays()) != 1 {
		t.Errorf("%v after %d token POSTs", err, emu.Log().TokenPOSTs("refresh_token"))
	}
}

func short(o *emulator.Options) {
	o.AccessTTL, o.AutoConsent = 60*time.Second, true
}

func newApp(t *testing.T, config oauth.Config) *oauth.App {
	t.Helper()
	app, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return app
}

// savedToken is a "token file": the last writer wins.
type savedToken struct {
	config *oauth2.Config
	mu     sync.Mutex
	token  string
}

func (s *savedToken) load() string  { s.mu.Lock(); defer s.mu.Unlock(); return s.token }
func (s *savedToken) save(t string) { s.mu.Lock(); defer s.mu.Unlock(); s.token = t }

func signInWithXOAuth2(t *testing.T, emu *emulatortest.Emulator) *savedToken {
	t.Helper()
	opts := emu.Emulator.Options()
	s := &savedToken{config: &oauth2.Config{
		ClientID: opts.ClientID, ClientSecret: string(opts.ClientSecret), RedirectURL: opts.RedirectURLs[0],
		Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{
			AuthURL: emu.URL + "/oauth/v1/authorize", TokenURL: emu.URL + "/oauth/v1/token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
	verifier := oauth2.GenerateVerifier()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		s.config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := emu.Options().HTTPClient.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	tok, err := s.config.Exchange(t.Context(), to.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	s.save(tok.RefreshToken)
	return s
}
