package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// A provider that takes the question for resources and never answers holds
// neither the callback nor Close for ever, whether or not the browser waits.
func TestResourcesNeverAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newIDP(t)
		s := newSite(t, p, oauth.LoginOptions{RequireResources: true})
		s.web["provider.test"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/resources") {
				<-r.Context().Done()
				return
			}
			p.ServeHTTP(w, r)
		})
		began := time.Now()
		get(t, s.browser(t, ""), siteURL+"/login")
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		s.wantError(t, oauth.ErrSignInFailed, http.StatusBadGateway)
		p.wantCounts(t, 1, 1)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A sign-in that fails while the App closes leaves no grant behind: not where a
// check fails, and not where the application's part does.
func TestRefusedWhileClosing(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"the nonce", "done", "done panics"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newIDP(t)
				s := newSite(t, p, oauth.LoginOptions{})
				closed := make(chan error, 1)
				closing := sync.OnceFunc(func() {
					go func() { closed <- s.Close(context.WithoutCancel(t.Context())) }()
					synctest.Wait()
				})
				switch at {
				case "the nonce":
					p.claims = func(c map[string]any) { c["nonce"] = "another" }
					s.web["provider.test"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if strings.HasSuffix(r.URL.Path, "/token") {
							closing()
						}
						p.ServeHTTP(w, r)
					})
				default:
					mux := http.NewServeMux()
					mux.Handle("/login", s.LoginHandler(oauth.LoginOptions{}))
					callback := s.CallbackHandler(func(http.ResponseWriter, *http.Request, *oauth.Login) error {
						closing()
						if at == "done panics" {
							panic("a bug")
						}
						return errors.New("no session")
					})
					mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
						defer func() { _ = recover() }() // as net/http does
						callback.ServeHTTP(w, r)
					})
					s.web["app.test"] = mux
				}
				get(t, s.browser(t, ""), siteURL+"/login")
				if err := <-closed; err != nil {
					t.Error(err)
				}
				p.wantCounts(t, 1, 1)
				for row, err := range s.store.Find(t.Context(), oauth.Query{}) {
					if err != nil || row.State != oauth.StateTombstone || row.Reason != oauth.ReasonConfirmed {
						t.Error("left behind:", row.State, row.Reason, err)
					}
				}
			})
		})
	}
}
