package demo

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
)

//go:embed templates static
var files embed.FS

func staticFiles() http.Handler {
	serve := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no listings
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		serve.ServeHTTP(w, r)
	})
}

type pages struct{ *template.Template }

func parsePages() (*pages, error) {
	t, err := template.ParseFS(files, "templates/*.html")
	return &pages{t}, err
}

// view is what a page shows.
type view struct {
	Title     string
	Backend   string
	Emulated  bool
	Flash     *flash
	FormToken string
	Now       time.Time

	Lost    bool     // there is no such page
	Account *account // nil: nobody is signed in
	Token   tokenView
	History []rotation
	Publish publishForm
	Entry   entryForm
}

// tokenView is the access token's place in its life.
type tokenView struct {
	Generation     uint64
	Issued, Expiry time.Time
	now            time.Time
}

// LifeSeconds is how long the token lives.
func (t tokenView) LifeSeconds() int { return int(t.Expiry.Sub(t.Issued).Seconds()) }

// AgeSeconds is how long it has lived.
func (t tokenView) AgeSeconds() int {
	return max(0, min(t.LifeSeconds(), int(t.now.Sub(t.Issued).Seconds())))
}

// Left is how long it will live, in words.
func (t tokenView) Left() string { return inWords(max(0, t.Expiry.Sub(t.now))) }

// Life is how long it lives, in words.
func (t tokenView) Life() string { return inWords(t.Expiry.Sub(t.Issued)) }

func inWords(d time.Duration) string {
	if d < 2*time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// What names the rotation for people.
func (r rotation) What() string {
	switch r.Kind {
	case oauth.EventSignedIn:
		return "Signed in"
	case oauth.EventRefreshed:
		return "Renewed"
	case oauth.EventAdopted:
		return "Renewed by another process"
	default:
		return "Ended"
	}
}

// publishForm and entryForm are the forms as they were filled in. Why says
// that, and why, there is none.
type publishForm struct {
	Why, Universe, Topic, Message, Problem string
}

type entryForm struct {
	Why, KeyFrom, Universe, Store, Key, Value, Said, Problem string
}

func (f entryForm) place() place { return place{f.Universe, f.Store, f.Key} }

const noOpenCloud = "This issuer has no Open Cloud. Set ROBLOX_API_URL if it does."

// welcome invites to sign in.
func (s *site) welcome(w http.ResponseWriter, status int, f *flash) {
	s.render(w, status, view{Title: "Sign in · rblx demo", Flash: f})
}

// show renders the account's page. form is a publishForm or entryForm to show
// again, or nil.
func (s *site) show(w http.ResponseWriter, r *http.Request, sess *session, status int, form any) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	grant := s.oauth.Grant(sess.grant())
	acct, info, err := s.load(ctx, grant)
	if err != nil {
		if errors.Is(err, oauth.ErrNeedsReauth) {
			s.cookies.signOut(w)
		}
		s.welcome(w, http.StatusOK, &flash{explain(err), true})
		return
	}
	v := view{
		Title:     acct.Name + " · rblx demo",
		Flash:     s.cookies.takeFlash(w, r),
		FormToken: s.cookies.formToken(sess),
		Account:   acct,
		Token:     tokenView{info.Generation, info.Issued, info.Expiry, time.Now()},
		History:   s.hub.past(sess.grant()),
		Publish:   publishForm{Topic: "announcements"},
		Entry:     entryForm{Store: "PlayerData", Key: "demo"},
	}
	if len(acct.Universes) > 0 {
		v.Entry.Universe = acct.Universes[0].ID
	}
	switch f := form.(type) {
	case publishForm:
		v.Publish = f
	case entryForm:
		v.Entry = f
	}
	v.Publish.Why = s.whyNoPublish(acct)
	v.Entry.Why, v.Entry.KeyFrom = s.whyNoEntry()
	w.Header().Set("Content-Security-Policy", policy(acct.Picture))
	s.render(w, status, v)
}

func (s *site) load(ctx context.Context, g *oauth.Grant) (*account, oauth.Info, error) {
	if _, err := g.Token(ctx); err != nil { // first, so that what is shown is the newest
		return nil, oauth.Info{}, err
	}
	info, err := g.Info(ctx)
	if err != nil {
		return nil, oauth.Info{}, err
	}
	if info.State != oauth.StateActive { // its last access token may still serve, but no page needs that
		return nil, info, &oauth.ReauthError{GrantID: info.GrantID, Reason: info.Reason}
	}
	acct, err := s.account(ctx, g, info)
	return acct, info, err
}

func (s *site) whyNoPublish(a *account) string {
	switch {
	case s.calls == nil:
		return noOpenCloud
	case !a.has(signin.PublishScope):
		return "The scope " + signin.PublishScope + " was not granted."
	case len(a.Universes) == 0:
		return "No experience was granted. Sign out, sign in again and choose one on the consent page."
	default:
		return ""
	}
}

func (s *site) whyNoEntry() (why, keyFrom string) {
	switch {
	case s.calls == nil:
		return noOpenCloud, ""
	case s.keyed == nil:
		return "Data stores take no sign-in, only an API key. Create one at create.roblox.com under Open Cloud, set ROBLOX_API_KEY and start the demo again.", ""
	case s.backend.Emulator != nil:
		return "", "This one came with the emulator."
	default:
		return "", "This one is from ROBLOX_API_KEY."
	}
}

func (s *site) render(w http.ResponseWriter, status int, v view) {
	v.Backend, v.Emulated, v.Now = s.backend.Name, s.backend.Emulator != nil, time.Now()
	v.Token.now = v.Now
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, "layout", v); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // a browser that left misses nothing
}

// policy lets a page load its own files only, and the picture of the account
// from where it is.
func policy(picture string) string {
	images := "'self'"
	if u, err := url.Parse(picture); err == nil && u.Host != "" {
		images += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src " + images +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
