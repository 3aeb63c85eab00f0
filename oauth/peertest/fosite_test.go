package peertest

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// Two processes of 200 goroutines on one grant of fosite's: it never sees a
// refresh token twice.
func TestFosite(t *testing.T) {
	t.Parallel()
	server := startFosite(t)
	r := soak(t, server.url)
	if redeemed, replays := server.store.counts(); redeemed != r.Refreshes || replays != 0 {
		t.Errorf("%d refresh tokens were redeemed for %d refreshes, %d replays", redeemed, r.Refreshes, replays)
	}
}

// The usual way, a TokenSource of golang.org/x/oauth2 whose tokens each process
// saves, loses the same grant when the first access token expires.
func TestFositeWithXOAuth2(t *testing.T) {
	t.Parallel()
	server := startFosite(t)
	config := &oauth2.Config{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{
			AuthURL: server.url + "/authorize", TokenURL: server.url + "/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
	saved := &tokenFile{token: signIn(t, config)}

	ctx, cancel := context.WithTimeout(t.Context(), 2*accessTTL)
	defer cancel()
	var processes sync.WaitGroup
	for range 2 {
		source := &persisting{file: saved, source: config.TokenSource(ctx, saved.load())}
		client := oauth2.NewClient(ctx, source)
		for range 200 {
			processes.Go(func() {
				for ctx.Err() == nil {
					callUserInfo(ctx, client, server.url)
					select {
					case <-time.After(100 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			})
		}
	}
	processes.Wait()
	if _, replays := server.store.counts(); replays == 0 {
		t.Error("no refresh token came twice: this server is not strict, and proves nothing above")
	}
	last := &oauth2.Token{RefreshToken: saved.load().RefreshToken}
	if _, err := config.TokenSource(t.Context(), last).Token(); err == nil {
		t.Error("the grant is alive after a replay")
	}
}

func callUserInfo(ctx context.Context, client *http.Client, base string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/userinfo", http.NoBody)
	if err != nil {
		panic(err) // the address is well formed
	}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}

// tokenFile is where the processes save their tokens; the last one wins.
type tokenFile struct {
	mu    sync.Mutex
	token *oauth2.Token
}

func (f *tokenFile) load() *oauth2.Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.token
}

func (f *tokenFile) save(t *oauth2.Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token = t
}

// persisting is the wrapper that people write around a TokenSource.
type persisting struct {
	file   *tokenFile
	source oauth2.TokenSource
}

// Token implements oauth2.TokenSource.
func (p *persisting) Token() (*oauth2.Token, error) {
	t, err := p.source.Token()
	if err == nil {
		p.file.save(t)
	}
	return t, err
}

// signIn asks for consent, which is given at once, and redeems the code.
func signIn(t *testing.T, config *oauth2.Config) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		config.AuthCodeURL("some state", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "some nonce")), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("%d to %q: %v", resp.StatusCode, resp.Header.Get("Location"), err)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}
