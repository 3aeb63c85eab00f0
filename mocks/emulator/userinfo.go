package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// profile is what userinfo and an ID token say of a user; all but the subject
// needs the scope "profile".
type profile struct {
	Subject           string `json:"sub"`
	Name              string `json:"name,omitempty"`
	Nickname          string `json:"nickname,omitempty"`
	PreferredUsername string `json:"preferred_username,omitempty"`
	CreatedAt         int64  `json:"created_at,omitempty"` // Unix seconds
	Profile           string `json:"profile,omitempty"`
	// Picture is a URL as JSON, or null for an account without one.
	Picture json.RawMessage `json:"picture,omitempty"`
}

// profileOf returns what a grant lets the app know of its user. The caller
// holds e.mu.
func (e *Emulator) profileOf(g *grant) profile {
	p := profile{Subject: g.sub}
	u := e.world.users[g.sub]
	if u == nil || !g.has("profile") {
		return p
	}
	p.Name, p.Nickname, p.PreferredUsername = u.DisplayName, u.DisplayName, u.Name
	p.CreatedAt = u.CreateTime.Unix()
	p.Profile = "https://www.roblox.com/users/" + u.ID + "/profile"
	p.Picture = json.RawMessage("null")
	if u.Picture != "" {
		p.Picture, _ = json.Marshal(e.opts.URL + u.Picture)
	}
	return p
}

// userInfo is the OpenID Connect endpoint of that name.
func (e *Emulator) userInfo(w http.ResponseWriter, r *http.Request, _ vars) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.working(strings.TrimSpace(token))
	switch {
	case !strings.EqualFold(scheme, "Bearer") || t == nil:
		refuse("invalid_token", "the access token is unknown, expired or revoked").writeTo(w, r)
	case !t.grant.has("openid"):
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		writeJSON(w, http.StatusForbidden, refuse("insufficient_scope", "userinfo needs the scope openid"))
	default:
		writeJSON(w, http.StatusOK, e.profileOf(t.grant))
	}
}

// avatar is a picture of a user: a face in the user's colour.
func (e *Emulator) avatar(w http.ResponseWriter, r *http.Request, v vars) {
	e.mu.Lock()
	u := e.world.users[v["user"]]
	e.mu.Unlock()
	if u == nil {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect width="96" height="96" fill="hsl(%d 55%% 88%%)"/>`+
		`<rect x="22" y="68" width="52" height="40" rx="8" fill="hsl(%d 45%% 42%%)"/><rect x="28" y="24" width="40" height="42" rx="10" fill="hsl(%d 60%% 70%%)"/>`+
		`<circle cx="41" cy="43" r="3.4" fill="#222"/><circle cx="55" cy="43" r="3.4" fill="#222"/>`+
		`<path d="M40 53q8 7 16 0" fill="none" stroke="#222" stroke-width="2.6" stroke-linecap="round"/></svg>`, u.hue, u.hue, (u.hue+330)%360)
}
