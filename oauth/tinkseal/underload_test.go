package tinkseal_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// replica is a process with a keyset file of its own, as machines have one.
type replica struct {
	app    *oauth.App
	sealer *tinkseal.Sealer
	keyset string
}

// Two replicas call for the same users while the keyset goes through a whole
// rotation, on one of them first: no call fails, and at the end every row is
// sealed with the new key alone.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, rotateUnderLoad)
}

func rotateUnderLoad(t *testing.T) {
	emu, err := emulator.New(emulator.Options{ClientSecret: "secret", AutoConsent: true, AccessTTL: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: emu.Transport()}
	opts := emu.Options()
	provider, err := oauth.Discover(context.WithValue(t.Context(), oauth2.HTTPClient, client), opts.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	keyset, old := create(t)
	store := oauth.NewMemoryStore()
	var replicas []replica
	for range 2 {
		r := replica{keyset: filepath.Join(t.TempDir(), "keyset.json")}
		deploy(t, keyset, r.keyset)
		r.sealer = open(t, r.keyset)
		r.app, err = oauth.New(oauth.Config{
			ClientID: opts.ClientID, ClientSecret: oauth.Secret(opts.ClientSecret), RedirectURL: opts.RedirectURLs[0],
			Scopes: []string{"openid"}, Store: store, Sealer: r.sealer, Provider: provider, HTTPClient: client,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.app.Close(context.Background()) })
		replicas = append(replicas, r)
	}
	var grants []oauth.GrantID
	for range 5 {
		grants = append(grants, signIn(t, emu, replicas[0].app))
	}
	emu.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, GrantType: "refresh_token", Delay: 50 * time.Millisecond, Times: -1})

	ctx, stop := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	defer calls.Wait()
	defer stop()
	for _, r := range replicas {
		for i := range 20 {
			calls.Go(func() {
				for ctx.Err() == nil {
					if _, err := r.app.Grant(grants[i%len(grants)]).Token(context.WithoutCancel(ctx)); err != nil {
						t.Error(err)
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
		}
	}
	edit := func(change func(string) (tinkseal.Key, error)) {
		if _, err := change(keyset); err != nil {
			t.Fatal(err)
		}
	}
	edit(tinkseal.AddKey)
	for _, change := range []func(string) (tinkseal.Key, error){nil, tinkseal.Promote, func(path string) (tinkseal.Key, error) {
		_, err := tinkseal.Prune(path)
		return tinkseal.Key{}, err
	}} {
		if change != nil {
			edit(change)
		}
		for _, r := range replicas {
			deploy(t, keyset, r.keyset)
			if err := r.sealer.Reload(); err != nil { // sooner than it would look
				t.Fatal(err)
			}
			refreshed(t, store, grants)
		}
	}
	stop()
	calls.Wait()

	last := open(t, keyset)
	if keys := last.Keys(); len(keys) != 1 || keys[0].ID == old {
		t.Errorf("the keyset has %v", keys)
	}
	for row, err := range store.Find(t.Context(), oauth.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, was, err := oauth.Reseal(last, row); was != oauth.SealCurrent || row.State != oauth.StateActive {
			t.Errorf("a grant is %s, its row %s: %v", row.State, was, err)
		}
	}
	if log := emu.Log(); len(log.Reuses()) != 0 || log.TokenPOSTs("refresh_token") < 6*len(grants) {
		t.Errorf("%d refreshes, replayed %v", log.TokenPOSTs("refresh_token"), log.Reuses())
	}
}

// signIn signs the emulator's user in.
func signIn(t *testing.T, emu *emulator.Emulator, app *oauth.App) (id oauth.GrantID) {
	t.Helper()
	callback, err := url.Parse(emu.Options().RedirectURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	site := http.NewServeMux()
	site.Handle("GET /login", app.LoginHandler(oauth.LoginOptions{}))
	site.Handle("GET "+callback.Path, app.CallbackHandler(func(_ http.ResponseWriter, _ *http.Request, l *oauth.Login) error {
		id = l.GrantID
		return nil
	}))
	b := browser.New(browser.Options{Base: emu.Transport(), Handlers: map[string]http.Handler{callback.Host: site}})
	if page, err := b.Open(t.Context(), callback.Scheme+"://"+callback.Host+"/login"); err != nil || id == "" {
		t.Fatal(page, err)
	}
	return id
}

// deploy copies a keyset to a machine.
func deploy(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to+".tmp", text, 0o600)
	}
	if err == nil {
		err = os.Rename(to+".tmp", to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// refreshed waits until each grant has been refreshed once more.
func refreshed(t *testing.T, store oauth.Store, grants []oauth.GrantID) {
	t.Helper()
	was := map[oauth.GrantID]uint64{}
	for _, id := range grants {
		row, err := store.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		was[id] = row.Generation
	}
	for deadline := time.Now().Add(30 * time.Second); len(was) > 0; time.Sleep(20 * time.Millisecond) {
		for id, generation := range was {
			row, err := store.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if row.Generation > generation {
				delete(was, id)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d grants are not refreshed any more", len(was))
		}
	}
}
