package emulator

import (
	"crypto/rand"
	_ "embed" // for the pages
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

//go:embed consent.html
var consentHTML string

func parsePages() (*template.Template, error) {
	page, err := template.New("consent").Parse(consentHTML)
	if err != nil {
		return nil, fmt.Errorf("emulator: consent page: %w", err)
	}
	return page, nil
}

// consentView is what the consent page shows.
type consentView struct {
	StyleNonce string
	Problem    string // set on the error page, which has nothing else

	Form     string // the one-time token of the form
	ClientID string
	ReturnTo string // host of the redirect URI
	Scopes   []scopeView
	Accounts []accountView
	Choose   bool // experiences and communities are to be chosen
}

type scopeView struct{ Name, Text string }

type accountView struct {
	User      User
	Universes []Universe
	Groups    []groupView
}

type groupView struct {
	Group     Group
	Universes []Universe
}

// consentPage asks the user.
func (e *Emulator) consentPage(w http.ResponseWriter, a *authorization, form string) {
	v := consentView{Form: form, ClientID: e.opts.ClientID, ReturnTo: origin(a.redirectURI), Choose: asksForCreations(a.scope)}
	for _, name := range fieldsOnce(a.scope) {
		text, _ := scopeText(name)
		v.Scopes = append(v.Scopes, scopeView{name, text})
	}
	e.mu.Lock()
	for _, user := range e.world.accounts() {
		account := accountView{User: *user, Universes: e.world.universesOf("users/" + user.ID)}
		for _, g := range e.world.groupsOwnedBy(user.ID) {
			account.Groups = append(account.Groups, groupView{*g, e.world.universesOf("groups/" + g.ID)})
		}
		v.Accounts = append(v.Accounts, account)
	}
	e.mu.Unlock()
	e.render(w, http.StatusOK, v, origin(a.redirectURI))
}

// errorPage is shown where a redirect would hand something to a stranger.
func (e *Emulator) errorPage(w http.ResponseWriter, problem string) {
	e.render(w, http.StatusBadRequest, consentView{Problem: problem}, "")
}

// render writes a page. Browsers hold the redirect that follows the form
// against form-action, so the app's origin stands in it.
func (e *Emulator) render(w http.ResponseWriter, status int, v consentView, formTo string) {
	v.StyleNonce = rand.Text()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.StyleNonce+"'; img-src 'self'; form-action 'self' "+
		formTo+"; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if err := e.page.Execute(w, v); err != nil {
		panic("emulator: " + err.Error()) // an answer takes every write, so the template is wrong
	}
}

// consent takes the user's decision. The form's token works once.
func (e *Emulator) consent(w http.ResponseWriter, r *http.Request, _ vars) {
	if err := r.ParseForm(); err != nil {
		e.errorPage(w, "The form is not well formed.")
		return
	}
	form := r.PostForm
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.oauth.pending[form.Get("form")]
	delete(e.oauth.pending, form.Get("form"))
	if a == nil || e.Now().After(a.expires) {
		e.errorPage(w, "This page has been answered already, or it has waited too long. Go back to the app and sign in again.")
		return
	}
	if form.Get("decision") != "allow" {
		e.redirectBack(w, a, url.Values{"error": {"access_denied"}, "error_description": {"the user did not allow it"}})
		return
	}
	sub := form.Get("user")
	if !slices.ContainsFunc(e.world.accounts(), func(u *User) bool { return u.ID == sub }) {
		e.errorPage(w, "No account was chosen. Go back to the app and sign in again.")
		return
	}
	g := &grant{sub: sub, scope: a.scope}
	if asksForCreations(a.scope) {
		universes, creators := e.world.grantable(sub)
		g.universes = chosen(form["universe"], universes)
		g.creators = chosen(form["creator"], creators)
	}
	e.redirectBack(w, a, url.Values{"code": {e.issueCode(a, g)}})
}

// chosen keeps what was asked for and may be given.
func chosen(asked, offered []string) []string {
	return slices.DeleteFunc(slices.Clone(offered), func(id string) bool { return !slices.Contains(asked, id) })
}

// origin returns the scheme and host of a URL, or the scheme of an app's own.
func origin(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		return u.Scheme + "://" + u.Host
	default:
		return u.Scheme + ":"
	}
}
