package oauth

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// scene is a strict Roblox, a store and one signed-in user, in a bubble where
// time costs nothing. Its requests reach the emulator through via.
type scene struct {
	*testing.T
	emu   *emulator.Emulator
	via   http.RoundTripper
	store *troubledStore
	app   *App
	grant *Grant
}

// play runs act in a scene of its own, at a provider that revokes the grant of
// a replayed token.
func play(t *testing.T, act func(*testing.T, *scene)) {
	t.Helper()
	playAt(t, emulator.ReuseRevoke, act)
}

func playAt(t *testing.T, reuse emulator.Reuse, act func(*testing.T, *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{T: t, emu: newEmulator(t, reuse), store: &troubledStore{MemoryStore: NewMemoryStore()}}
		s.via = s.emu.Transport()
		s.app = s.process(s.store)
		s.grant = s.signIn()
		act(t, s)
	})
}

func newEmulator(t *testing.T, reuse emulator.Reuse) *emulator.Emulator {
	t.Helper()
	e, err := emulator.New(emulator.Options{ClientSecret: "canary-client-secret", AutoConsent: true, RefreshReuse: reuse})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// process is an App over store, as another process would have it.
func (s *scene) process(store Store) *App { s.Helper(); return s.processWith(store, nil) }

// processWith is a process that seals what it stores.
func (s *scene) processWith(store Store, sealer Sealer) *App {
	s.Helper()
	opts := s.emu.Options()
	provider := Roblox()
	for _, at := range []*string{
		&provider.Issuer, &provider.AuthorizationURL, &provider.TokenURL, &provider.JWKSURL, &provider.UserInfoURL,
		&provider.IntrospectionURL, &provider.RevocationURL, &provider.ResourcesURL,
	} {
		*at = opts.URL + (*at)[len("https://apis.roblox.com"):]
	}
	a, err := New(Config{
		ClientID: opts.ClientID, ClientSecret: Secret(opts.ClientSecret), RedirectURL: opts.RedirectURLs[0],
		Scopes: []string{"openid", "profile"}, Store: store, Sealer: sealer, Provider: &provider,
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) { return s.via.RoundTrip(r) })},
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			s.Error(err)
		}
	})
	return a
}

// signIn signs the user in once more, as a grant of its own.
func (s *scene) signIn() *Grant { s.Helper(); return s.signInAt(s.app) }

func (s *scene) signInAt(app *App) *Grant {
	s.Helper()
	verifier := oauth2.GenerateVerifier()
	ans, err := app.exchange(s.Context(), Secret(code(s.T, s.emu, verifier)), Secret(verifier))
	if err != nil {
		s.Fatal(err)
	}
	id, err := app.createGrant(s.Context(), ans)
	if err != nil {
		s.Fatal(err)
	}
	return app.Grant(id)
}

// code is an authorization code of the emulator's first account.
func code(t *testing.T, emu *emulator.Emulator, verifier string) string {
	t.Helper()
	opts := emu.Options()
	c := oauth2.Config{
		ClientID: opts.ClientID, RedirectURL: opts.RedirectURLs[0], Scopes: []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: opts.URL + "/oauth/v1/authorize"},
	}
	at := c.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := emu.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	return to.Query().Get("code")
}

// expire lets the access token expire.
func (s *scene) expire() { time.Sleep(16 * time.Minute) }

// fault scripts what becomes of refreshes, one after the other.
func (s *scene) fault(faults ...emulator.Fault) {
	for _, f := range faults {
		f.Endpoint, f.GrantType = emulator.EndpointToken, "refresh_token"
		s.emu.Fault(f)
	}
}

// served wants g to give a token that the provider honours, at once unless it
// has to refresh.
func (s *scene) served(g *Grant) {
	s.Helper()
	tok, err := g.Token(s.Context())
	if err != nil {
		s.Error(err)
		return
	}
	if status := s.call(tok.AccessToken); status != http.StatusOK {
		s.Errorf("the token was answered %d", status)
	}
}

// call sends token to the provider's userinfo endpoint.
func (s *scene) call(token string) int { s.Helper(); return s.callAt(s.emu, token) }

func (s *scene) callAt(emu *emulator.Emulator, token string) int {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, emu.Options().URL+"/oauth/v1/userinfo", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := emu.Transport().RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// ending is how a scenario ends.
type ending struct {
	posts      int // refreshes the provider saw
	reuses     int // of them with a consumed token
	generation uint64
	state      State
	reason     Reason
}

func (s *scene) row(g *Grant) Row {
	s.Helper()
	row, err := s.store.MemoryStore.Load(s.Context(), g.ID())
	if err != nil {
		s.Fatal(err)
	}
	return row
}

// ends checks the number of token POSTs and the row of the scene's grant.
func (s *scene) ends(want ending) {
	s.Helper()
	if want.state == "" {
		want.state = StateActive
	}
	row, log := s.row(s.grant), s.emu.Log()
	got := ending{log.TokenPOSTs("refresh_token"), len(log.Reuses()), row.Generation, row.State, row.Reason}
	if got != want {
		s.Errorf("ended with %+v, want %+v", got, want)
	}
}

// lives wants the provider to honour the row's refresh token.
func (s *scene) lives() {
	s.Helper()
	time.Sleep(time.Minute) // past the least interval between two refreshes
	if _, err := s.processWith(s.store.MemoryStore, s.app.config.Sealer).Grant(s.grant.ID()).Refresh(s.Context()); err != nil {
		s.Error("the authorization is lost:", err)
	}
}

// dies leaves in the store and at the provider what a process does that is
// killed in the middle of a refresh.
func (s *scene) dies(sent bool) {
	s.Helper()
	row := s.row(s.grant)
	held, err := s.app.openTokens(row)
	if err != nil {
		s.Fatal(err)
	}
	row.Intent = &Intent{ID: newIntentID(), Base: row.Generation, Deadline: row.Now.Add(defaultSendBudget)}
	if _, err := s.store.MemoryStore.Swap(s.Context(), row.Version, row); err != nil {
		s.Fatal(err)
	}
	if !sent {
		return
	}
	s.post(held.Refresh)
}

// post redeems a refresh token as somebody else would.
func (s *scene) post(refresh string) *answer {
	s.Helper()
	ans, _, fail := s.app.postToken(s.Context(), budget{start: time.Now(), size: time.Minute}, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refresh},
	})
	if fail != nil {
		s.Fatal(fail)
	}
	return ans
}

// withdrawn ends the authorization at the provider, as the user may.
func (s *scene) withdrawn() {
	s.Helper()
	held, err := s.app.openTokens(s.row(s.grant))
	if err == nil {
		err = s.app.revokeToken(s.Context(), Secret(held.Refresh))
	}
	if err != nil {
		s.Fatal(err)
	}
}

// beside is the same user in the hands of golang.org/x/oauth2, at an emulator
// of its own.
type beside struct {
	*testing.T
	emu    *emulator.Emulator
	config oauth2.Config
	ctx    context.Context // x/oauth2 takes its client from it
	stored string          // the refresh token, in a "file"
}

func (s *scene) xoauth2() *beside {
	s.Helper()
	emu := newEmulator(s.T, emulator.ReuseRevoke)
	opts := emu.Options()
	x := &beside{
		T: s.T, emu: emu,
		config: oauth2.Config{
			ClientID: opts.ClientID, ClientSecret: string(opts.ClientSecret), RedirectURL: opts.RedirectURLs[0],
			Endpoint: oauth2.Endpoint{TokenURL: opts.URL + "/oauth/v1/token", AuthStyle: oauth2.AuthStyleInParams},
		},
		ctx: context.WithValue(s.Context(), oauth2.HTTPClient, &http.Client{Transport: emu.Transport()}),
	}
	verifier := oauth2.GenerateVerifier()
	tok, err := x.config.Exchange(x.ctx, code(s.T, emu, verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		s.Fatal(err)
	}
	x.stored = tok.RefreshToken
	return x
}

// source is one whose access token has expired.
func (x *beside) source() oauth2.TokenSource {
	return x.config.TokenSource(x.ctx, &oauth2.Token{RefreshToken: x.stored})
}

func (x *beside) fault(f emulator.Fault) {
	f.Endpoint, f.GrantType = emulator.EndpointToken, "refresh_token"
	x.emu.Fault(f)
}

// lost wants a consumed refresh token to have been presented, and no source to
// get a token any more.
func (x *beside) lost(sources ...oauth2.TokenSource) {
	x.Helper()
	for _, src := range append(sources, x.source()) {
		if _, err := src.Token(); err == nil {
			x.Error("x/oauth2 still has its authorization")
		}
	}
	if len(x.emu.Log().Reuses()) == 0 {
		x.Error("x/oauth2 presented no consumed token")
	}
}

// through sends x/oauth2's requests over base.
func (x *beside) through(base http.RoundTripper) {
	x.ctx = context.WithValue(x.ctx, oauth2.HTTPClient, &http.Client{Transport: base})
}

// listener hears the forms and headers that go to hosts other than localhost.
type listener struct {
	base  http.RoundTripper
	heard []url.Values
	auth  []string
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() == "localhost" {
		return l.base.RoundTrip(r)
	}
	if r.Body != nil {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
	}
	l.heard, l.auth = append(l.heard, r.PostForm), append(l.auth, r.Header.Get("Authorization"))
	return reply(http.StatusOK, "application/json", "{}"), nil
}
