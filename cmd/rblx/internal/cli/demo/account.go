package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/oauthv1"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/transport"
)

// account is who signed in and what they allowed, for the page.
type account struct {
	ID, Name, Username, Picture string
	Scopes                      []scope
	Resources                   bool // the issuer tells which things are granted
	Universes                   []thing
	Creators                    []thing
	Problems                    []string // what could not be found out, and why
}

type scope struct{ Name, Text string }

// thing is a universe, user or group that the app may act for.
type thing struct{ Kind, ID, Name string }

// resource is the name that Open Cloud has for a user or group.
func (t thing) resource() string {
	if t.Kind == kindGroup {
		return groupPrefix + t.ID
	}
	return "users/" + t.ID
}

const groupPrefix = "groups/"

// Initial stands in for a missing picture.
func (a *account) Initial() string {
	r, _ := utf8.DecodeRuneInString(a.Name)
	return strings.ToUpper(string(r))
}

// has reports whether a scope was granted.
func (a *account) has(name string) bool {
	return slices.ContainsFunc(a.Scopes, func(s scope) bool { return s.Name == name })
}

// namesAtOnce and maxNames bound the calls that one page makes for names.
const (
	namesAtOnce = 4
	maxNames    = 20
)

// account asks who the grant's user is and what was granted. Only a grant that
// is of no use any more is an error; anything else missing is a problem that
// the page names.
func (s *site) account(ctx context.Context, g *oauth.Grant, info oauth.Info) (*account, error) {
	a := &account{ID: info.Subject, Name: "User " + info.Subject, Resources: s.backend.offersResources()}
	for _, name := range info.Scopes {
		a.Scopes = append(a.Scopes, scope{name, scopeText(name)})
	}
	var (
		who      *oauthv1.UserInfo
		granted  *oauthv1.Resources
		asks     errgroup.Group
		problems problems
	)
	asks.Go(func() (err error) {
		who, err = g.UserInfo(ctx)
		return problems.keep("Your name and picture", err)
	})
	if a.Resources {
		asks.Go(func() (err error) {
			granted, err = g.Resources(ctx)
			return problems.keep("What you allowed it for", err)
		})
	}
	if err := asks.Wait(); err != nil {
		return nil, err
	}
	if who != nil {
		a.identify(who)
	}
	if granted != nil {
		a.Universes, a.Creators = grantedThings(granted, info.Subject)
	}
	if s.calls != nil {
		s.nameThings(ctx, api.New(s.calls.As(g)), a)
	}
	a.Problems = problems.list
	return a, nil
}

// problems collects what a page can do without.
type problems struct {
	mu   sync.Mutex
	list []string
}

// keep notes an error, and returns it only if the grant itself is at its end.
func (p *problems) keep(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, oauth.ErrNeedsReauth):
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, fmt.Sprintf("%s: %s", what, explain(err)))
	return nil
}

// nameThings looks up the names of what was granted. A name that cannot be had
// is not missed: the id stands beside it.
func (s *site) nameThings(ctx context.Context, c *api.Client, a *account) {
	var lookups errgroup.Group
	lookups.SetLimit(namesAtOnce)
	for i := range a.Universes[:min(len(a.Universes), maxNames)] {
		lookups.Go(func() error {
			if u, err := c.Universes.GetUniverse(ctx, a.Universes[i].ID); err == nil && u.DisplayName != "" {
				a.Universes[i].Name = u.DisplayName
			}
			return nil
		})
	}
	for i := range a.Creators[:min(len(a.Creators), maxNames)] {
		switch t := &a.Creators[i]; {
		case t.Kind == kindAccount && t.ID == a.ID:
			t.Name = a.Name
		case t.Kind == kindGroup:
			lookups.Go(func() error {
				if g, err := c.Groups.GetGroup(ctx, t.ID); err == nil && g.DisplayName != "" {
					t.Name = g.DisplayName
				}
				return nil
			})
		}
	}
	_ = lookups.Wait() // none returns an error
}

const (
	kindAccount = "Account"
	kindGroup   = "Community"
)

// grantedThings sorts what the resources endpoint tells. A creator is "U" for
// the user who signed in, "U" and an id, or "G" and a group's id.
func grantedThings(r *oauthv1.Resources, subject string) (universes, creators []thing) {
	for _, info := range r.ResourceInfos {
		for _, id := range info.Resources.Universe.IDs {
			universes = append(universes, thing{Kind: "Experience", ID: id, Name: "Experience " + id})
		}
		for _, id := range info.Resources.Creator.IDs {
			switch kind, rest := id[:min(1, len(id))], strings.TrimLeft(id, "UG"); {
			case id == "U":
				creators = append(creators, thing{kindAccount, subject, "You"})
			case kind == "U":
				creators = append(creators, thing{kindAccount, rest, "User " + rest})
			case kind == "G":
				creators = append(creators, thing{kindGroup, rest, "Group " + rest})
			}
		}
	}
	return universes, creators
}

// identify takes over what userinfo says.
func (a *account) identify(who *oauthv1.UserInfo) {
	a.Username = who.PreferredUsername
	for _, name := range []string{who.Name, who.Nickname, who.PreferredUsername} {
		if name != "" {
			a.Name = name
			break
		}
	}
	a.Picture = pictureURL(who.Picture)
}

// pictureURL returns raw, or "" if a page must not load it. Its host goes into
// the content security policy, where ; and , have a meaning.
func pictureURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || strings.ContainsAny(u.Host, ";,") {
		return ""
	}
	if u.Scheme == "https" || u.Scheme == "http" && transport.IsLoopback(u.Hostname()) {
		return u.String()
	}
	return ""
}

// scopeText says what a scope allows, "" for one that the demo never asks for.
func scopeText(name string) string {
	switch name {
	case "openid":
		return "Know which account you are"
	case "profile":
		return "See your name and picture"
	case signin.PublishScope:
		return "Send messages to your running experiences"
	case "offline_access":
		return "Stay signed in"
	default:
		return ""
	}
}
