package filestore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// rotation is what a process is told of the grant it is to refresh.
type rotation struct {
	Provider oauth.Provider
	Client   string
	Redirect string
	Grant    oauth.GrantID
	Stand    string // where to stand still: before "sending", or with the answer "unread"
	Unlocked bool   // hide the flight lock from package oauth
}

// What a process says.
const (
	saysStanding  = "standing"
	saysLocked    = "another one has the lock"
	saysRefreshed = "refreshed"
)

func (r rotation) config(s oauth.Store, client *http.Client) oauth.Config {
	return oauth.Config{
		ClientID: r.Client, ClientSecret: emulatortest.DefaultClientSecret, RedirectURL: r.Redirect,
		Scopes: []string{"openid"}, Store: s, Provider: &r.Provider, HTTPClient: client,
		SendBudget: 500 * time.Millisecond, DrainMargin: 500 * time.Millisecond,
	}
}

// standing is a RoundTripper that stands still at one point until told.
type standing struct {
	at   string
	base http.RoundTripper
}

func (s standing) RoundTrip(r *http.Request) (*http.Response, error) {
	s.stand("sending")
	resp, err := s.base.RoundTrip(r)
	if err == nil { // the budget may have been over before anything was sent
		s.stand("unread")
	}
	return resp, err
}

func (s standing) stand(at string) {
	if at == s.at {
		fmt.Println(saysStanding)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// rotate refreshes a grant until it succeeds or the grant is lost.
func rotate(s *Store, args []string) error {
	var r rotation
	if err := json.Unmarshal([]byte(args[0]), &r); err != nil { //nolint:musttag // only this test writes and reads it
		return err
	}
	var store oauth.Store = s
	if r.Unlocked {
		store = struct {
			oauth.Store
			oauth.FlowStore
		}{s, s}
	}
	app, err := oauth.New(r.config(store, &http.Client{Transport: standing{r.Stand, http.DefaultTransport}}))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for ; err == nil; err = ctx.Err() {
		_, err := app.Grant(r.Grant).Refresh(ctx)
		lost, isLost := errors.AsType[*oauth.ReauthError](err)
		switch {
		case err == nil:
			fmt.Println(saysRefreshed)
			return app.Close(ctx)
		case isLost:
			fmt.Println(lost.Reason)
			return app.Close(ctx)
		case errors.Is(err, oauth.ErrFlightLocked):
			fmt.Println(saysLocked)
		}
	}
	return err
}

func signIn(t *testing.T, emu *emulatortest.Emulator, s *Store) rotation {
	t.Helper()
	config := emu.OAuth(t, s)
	app, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	id := emulatortest.SignIn(t, app, config.RedirectURL)
	if err := app.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return rotation{Provider: *config.Provider, Client: config.ClientID, Redirect: config.RedirectURL, Grant: id}
}

// rotating is a process that refreshes a grant.
type rotating struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startRotation(t *testing.T, s *Store, r rotation) *rotating {
	t.Helper()
	task, err := json.Marshal(r) //nolint:musttag // only this test writes and reads it
	if err != nil {
		t.Fatal(err)
	}
	cmd := process(t, "rotate", s.dir, string(task))
	cmd.Stderr = new(bytes.Buffer)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &rotating{t, cmd, stdin, bufio.NewReader(out)}
}

// want reads what the process says until it is text, passing over the lock,
// which it may find held more than once.
func (r *rotating) want(text string) {
	r.t.Helper()
	for {
		said, err := r.out.ReadString('\n')
		switch said = strings.TrimSpace(said); {
		case said == text:
			return
		case said != saysLocked:
			r.t.Fatalf("a process says %q (%v, %s), want %q", said, err, r.cmd.Stderr, text)
		}
	}
}
