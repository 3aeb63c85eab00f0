package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
)

// site is the web app.
type site struct {
	backend *backend
	home    signin.Callback // the redirect URL, and with it the site's own address
	oauth   *oauth.App
	calls   *opencloud.Client // as the user who is signed in; nil without Open Cloud
	keyed   *api.Client       // with the API key; nil without one
	cookies *cookies
	hub     *hub
	pages   *pages
}

func newSite(b *backend, home signin.Callback, k keeping, log *slog.Logger) (*site, error) {
	s := &site{
		backend: b,
		home:    home,
		cookies: newCookies(k.cookieKey, home.Scheme == "https"),
		hub:     newHub(),
	}
	if taken(home.Path) {
		return nil, fmt.Errorf("redirect URL %q: the demo has a page of its own at %s; use another path, such as /callback", home, home.Path)
	}
	c := b.oauthConfig(home.String(), k.store)
	c.OnTokenChange, c.OnError, c.Logger = s.hub.tell, s.refused, log
	var err error
	if s.oauth, err = oauth.New(c); err != nil {
		return nil, err
	}
	if s.calls, err = b.client(); err != nil {
		return nil, fmt.Errorf("ROBLOX_API_URL: %w", err)
	}
	if s.keyed, err = b.keyed(); err != nil {
		return nil, fmt.Errorf("ROBLOX_API_KEY: %w", err)
	}
	s.pages, err = parsePages()
	return s, err
}

// taken reports whether routes has a page at path.
func taken(path string) bool {
	return slices.Contains([]string{"/login", "/logout", "/publish", "/entry", "/rotate", "/events"}, path) ||
		strings.HasPrefix(path, "/static/")
}

// routes are the site's own pages; the callback is one more.
func (s *site) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /", s.lost)
	mux.Handle("GET /login", s.oauth.LoginHandler(signin.LoginOptions(s.backend.Scopes)))
	mux.Handle("POST /logout", s.form(s.logout))
	mux.Handle("POST /publish", s.form(s.publish))
	mux.Handle("POST /entry", s.form(s.entry))
	mux.Handle("POST /rotate", s.form(s.rotate))
	mux.HandleFunc("GET /events", s.events)
	mux.Handle("GET /static/", staticFiles())
	return mux
}

// handler is the whole site.
func (s *site) handler() http.Handler {
	mux := s.routes()
	callback := s.oauth.CallbackHandler(func(w http.ResponseWriter, r *http.Request, l *oauth.Login) error {
		s.cookies.signIn(w, r, l.GrantID)
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Content-Security-Policy", policy(""))
		switch {
		case s.home.Loopback() && r.Host != s.home.Host:
			s.sendHome(w, r)
		case r.URL.Path == s.home.Path && (s.home.Path != "/" || r.URL.Query().Has("state")):
			callback.ServeHTTP(w, r)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			mux.ServeHTTP(w, r)
		}
	})
}

// sendHome leads a browser that came by another name of this machine to the
// address that the callback will come to: cookies belong to one name. It also
// keeps out pages that point a name of their own at this machine.
func (s *site) sendHome(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "The demo is at "+s.home.Origin()+".", http.StatusMisdirectedRequest)
		return
	}
	http.Redirect(w, r, s.home.Origin()+"/", http.StatusSeeOther)
}

// front is the one page: an invitation, or the account.
func (s *site) front(w http.ResponseWriter, r *http.Request) {
	sess := s.cookies.session(r)
	if sess == nil {
		s.welcome(w, http.StatusOK, s.cookies.takeFlash(w, r))
		return
	}
	s.show(w, r, sess, http.StatusOK, s.entryToShow(r))
}

// lost answers for a page that there is not.
func (s *site) lost(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusNotFound, view{Title: "No such page · rblx demo", Lost: true})
}

// refused answers a browser whose sign-in failed.
func (s *site) refused(w http.ResponseWriter, r *http.Request, e *oauth.CallbackError) {
	f := flash{e.Title() + ". " + e.Message(), true}
	if s.cookies.session(r) != nil { // a finished sign-in loaded again, say
		s.back(w, r, f)
		return
	}
	s.welcome(w, e.Status, &f)
}

// form answers a form of a signed-in browser.
func (s *site) form(answer func(http.ResponseWriter, *http.Request, *session)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess := s.cookies.session(r)
		switch {
		case sess == nil:
			s.back(w, r, flash{"You are not signed in any more.", true})
		case !s.cookies.formTokenHolds(sess, r.PostFormValue("form_token")):
			s.back(w, r, flash{"That form was from an earlier sign-in, so nothing was done. Please try again.", true})
		default:
			answer(w, r, sess)
		}
	})
}

// back sends the browser to the front page with a message.
func (s *site) back(w http.ResponseWriter, r *http.Request, f flash) {
	s.cookies.setFlash(w, f)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// patience is how long a form waits for the other side.
const patience = 30 * time.Second

func (s *site) publish(w http.ResponseWriter, r *http.Request, sess *session) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	f := publishForm{
		Universe: r.PostFormValue("universe"), Topic: r.PostFormValue("topic"), Message: r.PostFormValue("message"),
	}
	if s.calls == nil {
		s.back(w, r, flash{noOpenCloud, true})
		return
	}
	as := api.New(s.calls.As(s.oauth.Grant(sess.grant())))
	if err := as.Messaging.Publish(ctx, f.Universe, f.Topic, f.Message); err != nil {
		f.Problem = explain(err)
		s.show(w, r, sess, http.StatusBadGateway, f)
		return
	}
	s.back(w, r, flash{Text: fmt.Sprintf("Published to topic “%s” of experience %s.", f.Topic, f.Universe)})
}

func (s *site) entry(w http.ResponseWriter, r *http.Request, sess *session) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	f := entryForm{
		Universe: r.PostFormValue("universe"), Store: r.PostFormValue("store"),
		Key: r.PostFormValue("key"), Value: r.PostFormValue("value"),
	}
	if s.keyed == nil {
		s.back(w, r, flash{"There is no API key, so data stores are out of reach.", true})
		return
	}
	if r.PostFormValue("do") == "write" {
		if err := writeEntry(ctx, s.keyed, f.place(), jsonOf(f.Value)); err != nil {
			f.Problem = explain(err)
			s.show(w, r, sess, http.StatusBadGateway, f)
			return
		}
		s.cookies.setFlash(w, flash{Text: fmt.Sprintf("Wrote “%s” in data store “%s”.", f.Key, f.Store)})
	}
	at := url.URL{Path: "/", Fragment: "entry", RawQuery: url.Values{
		"universe": {f.Universe}, "store": {f.Store}, "key": {f.Key},
	}.Encode()}
	http.Redirect(w, r, at.String(), http.StatusSeeOther)
}

// entryToShow reads the entry that the query names, if it names one.
func (s *site) entryToShow(r *http.Request) any {
	q := r.URL.Query()
	f := entryForm{Universe: q.Get("universe"), Store: q.Get("store"), Key: q.Get("key")}
	if s.keyed == nil || f.Universe == "" || f.Store == "" || f.Key == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	value, revision, err := readEntry(ctx, s.keyed, f.place())
	switch {
	case errors.Is(err, opencloud.ErrNotFound):
		f.Said = "Nothing is stored under this key yet."
	case err != nil:
		f.Problem = explain(err)
	default:
		f.Value, f.Said = string(value), "Stored as revision "+revision+"."
	}
	return f
}

// rotate renews the access token now. The strip's script asks quietly: it
// hears of the rotation from the event stream.
func (s *site) rotate(w http.ResponseWriter, r *http.Request, sess *session) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	quiet := r.PostFormValue("quiet") != ""
	_, err := s.oauth.Grant(sess.grant()).Refresh(ctx)
	switch {
	case err != nil && quiet:
		http.Error(w, explain(err), http.StatusBadGateway)
	case err != nil:
		s.back(w, r, flash{explain(err), true})
	case quiet:
		w.WriteHeader(http.StatusNoContent)
	default:
		s.back(w, r, flash{Text: "The access token was renewed."})
	}
}

// logout revokes every grant of this browser.
func (s *site) logout(w http.ResponseWriter, r *http.Request, sess *session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	var failed error
	for _, id := range sess.Grants {
		if err := s.oauth.Grant(id).Revoke(ctx); err != nil && !errors.Is(err, oauth.ErrNeedsReauth) {
			failed = err
		}
	}
	if errors.Is(failed, oauth.ErrStoreUnavailable) {
		s.back(w, r, flash{"You are still signed in: " + explain(failed), true})
		return
	}
	s.cookies.signOut(w)
	switch {
	case failed == nil:
		s.back(w, r, flash{Text: "Signed out. The authorization was taken back, and its tokens are of no use any more."})
	case errors.Is(failed, oauth.ErrNotOffered):
		s.back(w, r, flash{Text: "Signed out here. The issuer offers no revocation, so the authorization ends when its tokens expire."})
	default:
		s.back(w, r, flash{"Signed out here, but the other side did not confirm that it ended the authorization. You can end it in your account's settings.", true})
	}
}
