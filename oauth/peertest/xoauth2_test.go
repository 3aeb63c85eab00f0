package peertest

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// loseWithXOAuth2 does what soak does in the usual way: each process has a
// TokenSource of golang.org/x/oauth2, and saves its tokens. A grant must be dead
// at the end: the first, or one of two more, since a server that is asked twice
// at the same moment may say yes twice.
func loseWithXOAuth2(t *testing.T, userInfoURL string, config *oauth2.Config) {
	t.Helper()
	for trial := range 3 {
		if lostWithXOAuth2(t, userInfoURL, config) {
			return
		}
		t.Logf("the grant of trial %d is alive", trial+1)
	}
	t.Error("no grant is lost")
}

func lostWithXOAuth2(t *testing.T, userInfoURL string, config *oauth2.Config) bool {
	t.Helper()
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
					callUserInfo(ctx, client, userInfoURL)
					select {
					case <-time.After(100 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			})
		}
	}
	processes.Wait()
	last := &oauth2.Token{RefreshToken: saved.load().RefreshToken}
	_, err := config.TokenSource(t.Context(), last).Token()
	return err != nil
}

func callUserInfo(ctx context.Context, client *http.Client, userInfoURL string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, userInfoURL, http.NoBody)
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
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	back := &url.URL{}
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), redirectURL) {
			return nil
		}
		back = r.URL
		return http.ErrUseLastResponse
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.AuthCodeURL("some state",
		oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "some nonce"), oauth2.SetAuthURLParam("prompt", "consent")), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if back.Query().Get("code") == "" {
		t.Fatalf("%d and no code", resp.StatusCode)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}
