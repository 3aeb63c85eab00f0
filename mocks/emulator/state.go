package emulator

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"
)

// tokenHash stands for a token wherever one is kept.
type tokenHash [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// authorizations are the sign-ins in progress and the grants.
type authorizations struct {
	pending map[string]*authorization // by the consent form's token
	codes   map[tokenHash]*authorization
	refresh map[tokenHash]*refreshToken
	access  map[string]*accessToken // by jti
	issued  int                     // since the last sweep
}

func newAuthorizations() authorizations {
	return authorizations{
		pending: map[string]*authorization{}, codes: map[tokenHash]*authorization{},
		refresh: map[tokenHash]*refreshToken{}, access: map[string]*accessToken{},
	}
}

// authorization is one trip of a browser through the authorize endpoint.
type authorization struct {
	redirectURI, state, nonce, scope string
	challenge                        string
	expires                          time.Time
	grant                            *grant // once consented
	redeemed                         bool   // its code has been presented
}

// grant is what a user allowed: the family of all tokens that come of one consent.
type grant struct {
	sub, scope          string
	universes, creators []string // creators are "U" or "G" and a group's id
	revoked             bool
	live                tokenHash // the one refresh token that works
}

// has reports whether the grant includes a scope.
func (g *grant) has(scope string) bool { return slices.Contains(strings.Fields(g.scope), scope) }

type refreshToken struct {
	grant    *grant
	jti      string
	issued   time.Time
	expires  time.Time
	redeemed time.Time    // zero while unused
	answer   *tokenAnswer // what it was redeemed for, kept within a grace
}

type accessToken struct {
	grant   *grant
	jti     string
	issued  time.Time
	expires time.Time
	revoked bool
}

// sweep drops what has expired, now and then.
func (a *authorizations) sweep(now time.Time) {
	if a.issued++; a.issued < 512 {
		return
	}
	a.issued = 0
	for k, v := range a.pending {
		if now.After(v.expires) {
			delete(a.pending, k)
		}
	}
	for k, v := range a.codes {
		if now.After(v.expires.Add(time.Hour)) { // a late replay is still recognised
			delete(a.codes, k)
		}
	}
	for k, v := range a.refresh {
		if now.After(v.expires) {
			delete(a.refresh, k)
		}
	}
	for k, v := range a.access {
		if now.After(v.expires) {
			delete(a.access, k)
		}
	}
}

// RevokeUser ends every grant of an account, as its owner can in Roblox's
// settings, and returns how many there were.
func (e *Emulator) RevokeUser(userID string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	ended := map[*grant]bool{}
	for _, t := range e.oauth.refresh {
		if t.grant.sub == userID && !t.grant.revoked {
			ended[t.grant] = true
		}
	}
	for g := range ended {
		g.revoked = true
	}
	return len(ended)
}
