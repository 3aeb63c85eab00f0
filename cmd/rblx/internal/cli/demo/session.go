package demo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// session is who a browser is signed in as. All of it travels in a signed
// cookie: a grant id is a name and no proof, so it never goes unsigned.
type session struct {
	ID string `json:"id"` // fresh at each sign-in; forms are bound to it
	// Grants are those signed in to from this browser, the one in use last.
	// Tabs may sign in at the same time; signing out ends them all.
	Grants  []oauth.GrantID `json:"grants"`
	Expires time.Time       `json:"expires"`
}

func (s *session) grant() oauth.GrantID { return s.Grants[len(s.Grants)-1] }

const (
	sessionLifetime = 30 * 24 * time.Hour
	maxGrants       = 8 // keeps the cookie small
)

// flash is a message for the next page of this browser.
type flash struct {
	Text string `json:"text"`
	Bad  bool   `json:"bad,omitempty"`
}

// cookies signs and reads the site's cookies. It is safe for concurrent use.
type cookies struct {
	key    []byte
	secure bool // the site is reached over https
}

func newCookies(key []byte, secure bool) *cookies {
	return &cookies{key: key, secure: secure}
}

const (
	sessionCookie = "rblx-demo"
	flashCookie   = "rblx-demo-flash"
)

// session returns the browser's session, or nil.
func (c *cookies) session(r *http.Request) *session {
	s := new(session)
	if !c.read(r, sessionCookie, s) || len(s.Grants) == 0 || time.Now().After(s.Expires) {
		return nil
	}
	return s
}

// signIn gives the browser a new session, which also remembers the grants of
// the one before.
func (c *cookies) signIn(w http.ResponseWriter, r *http.Request, id oauth.GrantID) {
	s := &session{ID: rand.Text(), Grants: []oauth.GrantID{id}, Expires: time.Now().Add(sessionLifetime).Round(time.Second)}
	if old := c.session(r); old != nil {
		earlier := old.Grants[max(0, len(old.Grants)-maxGrants+1):]
		s.Grants = append(slices.Clone(earlier), id)
	}
	c.write(w, sessionCookie, s, sessionLifetime)
}

func (c *cookies) signOut(w http.ResponseWriter) { c.clear(w, sessionCookie) }

func (c *cookies) setFlash(w http.ResponseWriter, f flash) {
	c.write(w, flashCookie, f, time.Minute)
}

// takeFlash returns the message waiting for this browser, or nil.
func (c *cookies) takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	f := new(flash)
	if !c.read(r, flashCookie, f) {
		return nil
	}
	c.clear(w, flashCookie)
	return f
}

// formToken is what a form of the session has to carry.
func (c *cookies) formToken(s *session) string {
	return base64.RawURLEncoding.EncodeToString(c.mac("form", s.ID))
}

func (c *cookies) formTokenHolds(s *session, token string) bool {
	return hmac.Equal([]byte(token), []byte(c.formToken(s)))
}

func (c *cookies) mac(purpose, text string) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(purpose + "\x00" + text))
	return h.Sum(nil)
}

func (c *cookies) write(w http.ResponseWriter, name string, value any, life time.Duration) {
	plain, err := json.Marshal(value)
	if err != nil {
		panic(err) // two structs of ours, which marshal
	}
	text := base64.RawURLEncoding.EncodeToString(plain)
	text += "." + base64.RawURLEncoding.EncodeToString(c.mac(name, text))
	http.SetCookie(w, c.cookie(name, text, int(life.Seconds())))
}

func (c *cookies) read(r *http.Request, name string, into any) bool {
	found, err := r.Cookie(c.prefix() + name)
	if err != nil {
		return false
	}
	text, mark, _ := strings.Cut(found.Value, ".")
	mac, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil || !hmac.Equal(mac, c.mac(name, text)) {
		return false
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(plain, into) == nil
}

func (c *cookies) clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.cookie(name, "", -1))
}

func (c *cookies) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: c.prefix() + name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}
}

// prefix is one that sibling domains cannot set, where browsers allow it.
func (c *cookies) prefix() string {
	if c.secure {
		return "__Host-"
	}
	return ""
}
