package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
)

// journeyTime bounds a headless run.
const journeyTime = 2 * time.Minute

// runHeadless makes the journey and prints its report as the last line of out.
// Progress goes to log. It returns an error unless everything held.
func runHeadless(ctx context.Context, c config, out, log io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, journeyTime)
	defer cancel()
	start := time.Now()
	if c.RedirectURL == "" {
		c.RedirectURL = defaultRedirectURL(defaultPort)
	}
	home, err := signin.ParseCallback(c.RedirectURL)
	if err != nil {
		return err
	}
	b, err := c.reach(ctx, home)
	if err != nil {
		return err
	}
	j, err := newJourney(b, home, log)
	if err != nil {
		return err
	}
	err = j.run(ctx)
	j.report.ElapsedMS = time.Since(start).Milliseconds()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return errors.Join(err, j.app.Close(closing), j.report.writeTo(out))
}

// journey is one headless run: sign in, call, refresh, revoke.
type journey struct {
	backend  *backend
	home     signin.Callback
	app      *oauth.App
	recorder *recorder
	log      io.Writer
	login    *oauth.Login
	grant    *oauth.Grant
	report   report
}

func newJourney(b *backend, home signin.Callback, log io.Writer) (*journey, error) {
	j := &journey{backend: b, home: home, log: log, recorder: &recorder{base: b.Transport, tokenURL: oauth.Roblox().TokenURL}}
	if b.Provider != nil {
		j.recorder.tokenURL = b.Provider.TokenURL
	}
	if b.Transport == nil {
		j.recorder.base = signin.NewTransport()
	}
	c := b.oauthConfig(home.String(), oauth.NewMemoryStore())
	c.HTTPClient = &http.Client{Transport: j.recorder}
	var err error
	j.app, err = oauth.New(c)
	return j, err
}

// reach returns the backend without opening a port.
func (c config) reach(ctx context.Context, home signin.Callback) (*backend, error) {
	if !c.emulated() {
		return remote(ctx, c)
	}
	emu, err := newEmulator("http://127.0.0.1", home)
	if err != nil {
		return nil, err
	}
	return emulated(ctx, emu, emu.Transport())
}

func (j *journey) run(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"sign in", j.signIn},
		{"userinfo", j.userInfo},
		{"resources", j.resources},
		{"calls with the grant", j.callAsUser},
		{"calls with the API key", j.callWithKey},
		{"refresh", j.refresh},
		{"revoke", j.revoke},
		{"used refresh token", j.reuse},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// say tells how far it is. Nothing secret is ever handed to it.
func (j *journey) say(format string, args ...any) {
	_, _ = fmt.Fprintf(j.log, format+"\n", args...)
}

// skip notes a step that there is nothing to do for.
func (j *journey) skip(step, why string) {
	j.report.Skipped = append(j.report.Skipped, step+": "+why)
	j.say("skipped %s: %s", step, why)
}

func (j *journey) signIn(ctx context.Context) error {
	j.say("signing in at %s", j.backend.Name)
	var err error
	if j.login, err = signin.Headless(ctx, j.app, j.home, j.backend.Transport, j.backend.Scopes); err != nil {
		return err
	}
	j.grant = j.app.Grant(j.login.GrantID)
	j.report.Sub, j.report.Scopes = j.login.Subject, j.login.Scopes
	j.say("signed in as %s, granted %v", j.login.Subject, j.login.Scopes)
	return nil
}

func (j *journey) userInfo(ctx context.Context) error {
	who, err := j.grant.UserInfo(ctx)
	switch {
	case errors.Is(err, oauth.ErrNotOffered):
		j.skip("userinfo", "not offered")
		if t := j.login.IDToken; t != nil {
			j.report.Username = t.PreferredUsername
		}
		return nil
	case err != nil:
		return err
	case who.Sub != j.report.Sub:
		return fmt.Errorf("it is about user %q, but %q signed in", who.Sub, j.report.Sub)
	}
	j.report.Username = who.PreferredUsername
	j.say("username %q", who.PreferredUsername)
	return nil
}

func (j *journey) resources(ctx context.Context) error {
	granted, err := j.grant.Resources(ctx)
	if errors.Is(err, oauth.ErrNotOffered) {
		j.skip("resources", "not offered")
		return nil
	}
	if err != nil {
		return err
	}
	universes, creators := grantedThings(granted, j.report.Sub)
	for _, u := range universes {
		j.report.Universes = append(j.report.Universes, u.ID)
	}
	for _, c := range creators {
		j.report.Accounts = append(j.report.Accounts, c.resource())
	}
	j.say("may act for universes %v and %v", j.report.Universes, j.report.Accounts)
	return nil
}

// callAsUser makes a call of each family that takes an access token.
func (j *journey) callAsUser(ctx context.Context) error {
	rbx, err := j.backend.client()
	if err != nil {
		return err
	}
	if rbx == nil {
		j.skip("Open Cloud", "the issuer is not Roblox and ROBLOX_API_URL is not set")
		return nil
	}
	c := api.New(rbx.As(j.grant))
	u, err := c.Users.GetUser(ctx, j.report.Sub)
	if err != nil {
		return err
	}
	j.say("users: %q is %q", j.report.Sub, u.Name)

	if group := j.grantedGroup(); group == "" {
		j.skip("groups", "none granted")
	} else if _, err := c.Groups.GetGroup(ctx, group); err != nil {
		return err
	} else {
		j.say("groups: read %s", group)
	}
	if len(j.report.Universes) == 0 {
		j.skip("universes", "none granted")
		j.skip("messaging", "no universe granted")
		return nil
	}
	universe := j.report.Universes[0]
	if _, err := c.Universes.GetUniverse(ctx, universe); err != nil {
		return err
	}
	j.say("universes: read %s", universe)
	if !slices.Contains(j.report.Scopes, signin.PublishScope) {
		j.skip("messaging", "scope "+signin.PublishScope+" not granted")
		return nil
	}
	if err := c.Messaging.Publish(ctx, universe, "rblx-demo", "hello"); err != nil {
		return err
	}
	j.say("messaging: published to %s", universe)
	return nil
}

// grantedGroup is the first group granted, or "".
func (j *journey) grantedGroup() string {
	for _, a := range j.report.Accounts {
		if id, ok := strings.CutPrefix(a, groupPrefix); ok {
			return id
		}
	}
	return ""
}

// callWithKey writes, reads and deletes a data store entry: data stores take
// no access token.
func (j *journey) callWithKey(ctx context.Context) error {
	keyed, err := j.backend.keyed()
	switch {
	case err != nil:
		return err
	case keyed == nil:
		j.skip("data stores", "no API key")
		return nil
	case len(j.report.Universes) == 0:
		j.skip("data stores", "no universe granted")
		return nil
	}
	at := place{Universe: j.report.Universes[0], Store: "rblx-demo", Key: "headless"}
	const value = `{"hello":"world"}`
	if err := writeEntry(ctx, keyed, at, []byte(value)); err != nil {
		return err
	}
	got, _, err := readEntry(ctx, keyed, at)
	switch {
	case err != nil:
		return err
	case !sameJSON(got, []byte(value)):
		return errors.New("the data store entry that was read is not the one written")
	}
	j.say("data stores: wrote and read an entry of %s", at.Universe)
	return deleteEntry(ctx, keyed, at)
}

// refreshes is how many rotations the journey forces.
const refreshes = 2

func (j *journey) refresh(ctx context.Context) error {
	for range refreshes {
		if _, err := j.grant.Refresh(ctx); err != nil {
			return err
		}
		j.report.Refreshes++
		j.say("refreshed, %d of %d", j.report.Refreshes, refreshes)
	}
	if _, err := j.grant.UserInfo(ctx); err != nil && !errors.Is(err, oauth.ErrNotOffered) {
		return fmt.Errorf("the new access token: %w", err)
	}
	return nil
}

// revoke ends the grant, and has the issuer prove that its newest refresh
// token is dead.
func (j *journey) revoke(ctx context.Context) error {
	err := j.grant.Revoke(ctx)
	if errors.Is(err, oauth.ErrNotOffered) {
		j.skip("revoke", "not offered")
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := j.grant.Token(ctx); !errors.Is(err, oauth.ErrRevoked) {
		return fmt.Errorf("the grant still gives tokens: %w", err)
	}
	given := j.recorder.given()
	if err := j.present(ctx, given[len(given)-1]); err != nil {
		return fmt.Errorf("the revoked refresh token: %w", err)
	}
	j.report.Revoked = true
	j.say("revoked; the refresh token is refused")
	return nil
}

// reuse has the issuer prove that a refresh token works once. It is the last
// step: some issuers take it for theft and end everything.
func (j *journey) reuse(ctx context.Context) error {
	given := j.recorder.given()
	first, newest := given[0], given[len(given)-1]
	if first == newest {
		j.skip("used refresh token", "the issuer does not rotate")
		return nil
	}
	if err := j.present(ctx, first); err != nil {
		return err
	}
	j.say("a used refresh token is refused")
	return nil
}

func (j *journey) present(ctx context.Context, token oauth.Secret) error {
	return present(ctx, j.backend, j.recorder.base, j.recorder.tokenURL, token)
}
