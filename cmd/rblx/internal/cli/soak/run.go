package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
)

// report is what a soak found, printed as one line of JSON.
type report struct {
	Store        string `json:"store"`
	Processes    int    `json:"processes"`
	Calls        int    `json:"calls"`
	CallErrors   int    `json:"call_errors"`
	Refreshes    int    `json:"refreshes"`     // committed, by whichever process
	InvalidGrant int    `json:"invalid_grant"` // answers of the token endpoint
	Adopted      int    `json:"adopted"`       // rotations that a process learnt from the store
	Probes       int    `json:"probes"`        // refresh tokens presented in doubt
	Lost         int    `json:"lost"`
	SilentlyLost int    `json:"silently_lost"`

	doubtful bool // whether the grant is alive shows later
}

// run signs in, lets the processes run, looks at what is left, and prints the
// report as the last line of out. Progress goes to log. It returns an error
// unless the grant is alive or, with processes killed, its loss on record.
func run(ctx context.Context, o options, out, log io.Writer) error {
	home, err := signin.ParseCallback(o.app.RedirectURL)
	if err != nil {
		return err
	}
	provider, scopes, err := o.app.Reach(ctx)
	if err != nil {
		return fmt.Errorf("--issuer: %w", err)
	}
	t := task{Provider: oauth.Roblox(), RedirectURL: o.app.RedirectURL, Scopes: scopes, Goroutines: o.goroutines, Keyset: o.keyset}
	if provider != nil {
		t.Provider = *provider
	}
	if t.Provider.UserInfoURL == "" {
		return errors.New("--issuer: it has no userinfo endpoint to call")
	}
	at, remove, err := o.store.OrTemporary()
	if err != nil {
		return err
	}
	defer remove()
	t.Store = at
	s, err := at.Open(ctx)
	if err != nil {
		return err
	}
	defer s.Close() // nothing is under way in it any more
	m := &meter{}
	app, err := t.newApp(o.app, s, m)
	if err != nil {
		return err
	}
	k := &soak{options: o, task: t, app: app, log: log}
	err = k.run(ctx, home)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	if err := errors.Join(err, app.Close(closing)); err != nil {
		return err
	}
	k.report.Store, k.report.Processes = o.store.Kind, o.processes
	total, _ := k.fleet.sum()
	total = total.plus(m.read())
	k.report.Calls, k.report.CallErrors = total.Calls, total.CallErrors
	k.report.InvalidGrant, k.report.Adopted, k.report.Probes = total.InvalidGrant, total.Adopted, total.Probes
	return errors.Join(json.NewEncoder(out).Encode(k.report), k.report.verdict(o.kill))
}

// verdict is nil if the deployment is to be trusted.
func (r report) verdict(kill bool) error {
	switch {
	case r.SilentlyLost > 0:
		return errors.New("the grant was lost, and the record does not say that it was our doing")
	case r.Lost > 0 && !kill:
		return errors.New("the grant was lost, though no process was killed")
	case r.doubtful && !kill:
		return errors.New("a refresh was not answered; whether the grant is alive shows when its access token has expired")
	case r.Calls == r.CallErrors:
		return errors.New("no call succeeded")
	case r.Refreshes == 0 && !kill:
		return errors.New("no token was refreshed: nothing was proved; run it for longer")
	}
	return nil
}

// soak is one run, from sign-in to revocation.
type soak struct {
	options options
	task    task
	app     *oauth.App
	fleet   fleet
	log     io.Writer
	report  report
}

// say tells how far it is. Nothing secret is ever handed to it.
func (k *soak) say(format string, args ...any) {
	_, _ = fmt.Fprintf(k.log, format+"\n", args...)
}

func (k *soak) run(ctx context.Context, home signin.Callback) error {
	k.say("signing in at %s", k.task.Provider.Issuer)
	login, err := signin.Headless(ctx, k.app, home, nil, k.task.Scopes)
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	grant := k.app.Grant(login.GrantID)
	info, err := grant.Info(ctx)
	if err != nil {
		return err
	}
	life := info.Expiry.Sub(info.Issued).Round(time.Second)
	k.task.GrantID, k.task.Force = login.GrantID, life > k.options.period/2
	k.say("tokens live %v; %d processes of %d goroutines run for %v over a %s store",
		life, k.options.processes, k.options.goroutines, k.options.period, k.options.store.Kind)

	k.fleet = fleet{app: k.options.app, task: k.task, kill: k.options.kill, log: k.log}
	if err := k.soak(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped before the end: %w", err)
	}
	if err := k.examine(ctx, grant); err != nil || k.report.Lost > 0 {
		return err
	}
	if err := grant.Revoke(ctx); err != nil && !errors.Is(err, oauth.ErrNotOffered) {
		k.say("it could not be revoked: %v", err)
	}
	return nil
}

// soak runs the fleet for its time and shows how it goes.
func (k *soak) soak(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.options.period)
	defer cancel()
	start, shown := time.Now(), make(chan struct{})
	watching, enough := context.WithCancel(ctx)
	go func() {
		defer close(shown)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				t, kills := k.fleet.sum()
				k.say("%4.0fs  %d calls, %d failed; %d rotations, %d learnt from another process, %d probes; %d processes killed",
					time.Since(start).Seconds(), t.Calls, t.CallErrors, t.Refreshed, t.Adopted, t.Probes, kills)
			case <-watching.Done():
				return
			}
		}
	}()
	err := k.fleet.run(ctx, k.options.processes)
	enough()
	<-shown
	return err
}

// maxDoubt is how long it is worth waiting for the end of an access token: a
// refresh token in doubt is presented again only then.
const maxDoubt = time.Minute

// examine has the issuer prove that the grant is alive, or finds out what is
// on record of its loss.
func (k *soak) examine(ctx context.Context, grant *oauth.Grant) error {
	patience, cancel := context.WithTimeout(ctx, maxDoubt+callTime)
	defer cancel()
	_, err := grant.Refresh(patience)
	info, infoErr := grant.Info(ctx)
	for errors.Is(err, oauth.ErrInDoubt) && infoErr == nil && time.Until(info.Expiry) < maxDoubt && rest(patience, time.Second) {
		_, err = grant.Refresh(patience)
		info, infoErr = grant.Info(ctx)
	}
	if infoErr != nil {
		return infoErr
	}
	k.report.Refreshes = int(info.Generation) - 1
	lost, isLost := errors.AsType[*oauth.ReauthError](err)
	switch {
	case err == nil:
		k.say("the grant is alive after %d refreshes", k.report.Refreshes)
	case isLost:
		k.report.Lost = 1
		if lost.Reason != oauth.ReasonLostInFlight { // nobody revoked it
			k.report.SilentlyLost = 1
		}
		k.say("the grant is lost after %d refreshes; on record: %s", k.report.Refreshes, lost.Reason)
	case errors.Is(err, oauth.ErrInDoubt):
		k.report.doubtful = true
		k.say("a refresh was not answered; whether the grant is alive shows when its access token expires, at %s",
			info.Expiry.Format(time.TimeOnly))
	default:
		return fmt.Errorf("the state of the grant: %w", err)
	}
	return nil
}
