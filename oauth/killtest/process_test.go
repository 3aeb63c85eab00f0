//go:build unix

package killtest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/filestore"
	"github.com/rblx-go/opencloud/oauth/pgstore"
	"github.com/rblx-go/opencloud/oauth/redisstore"
	"github.com/rblx-go/opencloud/oauth/sqlitestore"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// store is what the processes share.
type store interface {
	oauth.Store
	oauth.FlowStore
	io.Closer
}

// stores open each kind of store at a place.
func stores() map[string]func(path string) (store, error) {
	return map[string]func(string) (store, error){
		"file": func(path string) (store, error) { return filestore.Open(path) },
		"postgres": func(dsn string) (store, error) {
			return pgstore.Open(context.Background(), dsn, pgstore.Options{})
		},
		"redis":          openRedis,
		"redis everysec": openRedis,
		"sqlite":         func(path string) (store, error) { return sqlitestore.Open(filepath.Join(path, "grants.db")) },
	}
}

func openRedis(url string) (store, error) {
	return redisstore.Open(context.Background(), redisstore.Options{URL: url, Volatile: true})
}

// newPlace is where a store of that kind finds nothing yet.
func newPlace(t *testing.T, kind string) string {
	t.Helper()
	switch kind {
	case "postgres":
		return pgtest.DSN(t)
	case "redis":
		return redistest.Shared(t) + "?prefix=killtest-" + rand.Text()
	}
	return filepath.Join(t.TempDir(), "store")
}

// task is what a process is to do: refresh a grant once, and stand still at a
// point if there is one.
type task struct {
	Store, Place string
	Provider     oauth.Provider
	Client       string
	Redirect     string
	Grant        oauth.GrantID
	Point        point
	Keyset       string // the file of the keyset; empty seals nothing
}

// What a process says: the first at its point, one of the others at its end.
const (
	reached   = "at"
	refreshed = "refreshed"
)

// patience is more than any wait of the protocol with these windows.
const patience = 20 * time.Second

// config is an app's with windows as short as they get: half a second to send,
// half a second to drain.
func (t task) config(s oauth.Store) (oauth.Config, error) {
	c := oauth.Config{
		ClientID: t.Client, ClientSecret: emulatortest.DefaultClientSecret, RedirectURL: t.Redirect,
		Scopes: []string{"openid"}, Store: s, Provider: &t.Provider,
		SendBudget: 500 * time.Millisecond, DrainMargin: 500 * time.Millisecond,
	}
	if t.Keyset == "" {
		return c, nil
	}
	sealer, err := tinkseal.Open(t.Keyset)
	c.Sealer = sealer
	return c, err
}

// do is the life of a process.
func (t task) do(in io.Reader, out io.Writer) error {
	s, err := stores()[t.Store](t.Place)
	if err != nil {
		return err
	}
	defer s.Close()
	g := &gate{at: t.Point, tell: out, goOn: make(chan struct{})}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(g.goOn)
	}()
	c, err := t.config(gated(s, g))
	if err != nil {
		return err
	}
	c.Flows = s
	c.HTTPClient = &http.Client{Transport: gatedSender{http.DefaultTransport, g}}
	app, err := oauth.New(c)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, refresh(context.Background(), app.Grant(t.Grant)))
	return app.Close(context.Background())
}

// refresh forces a refresh, tries again until it succeeds or the grant is lost,
// and says what came of it.
func refresh(ctx context.Context, g *oauth.Grant) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := g.Refresh(ctx)
		lost, isLost := errors.AsType[*oauth.ReauthError](err)
		switch {
		case err == nil:
			return refreshed
		case isLost:
			return string(lost.Reason)
		case ctx.Err() != nil:
			return err.Error()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// process is a process at its task.
type process struct {
	cmd   *exec.Cmd
	in    io.Closer
	lines *bufio.Scanner
}

func (t task) start(ctx context.Context) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t) //nolint:musttag // only this test writes and reads it
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, exe)}
	p.cmd.Env = append(os.Environ(), taskEnv+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.lines = bufio.NewScanner(out)
	return p, p.cmd.Start()
}

// says returns the next line of the process.
func (p *process) says() string {
	p.lines.Scan()
	return strings.TrimSpace(p.lines.Text())
}

func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// end lets the process go on, and returns what it says at its end.
func (p *process) end() (string, error) {
	_ = p.in.Close() // it may be gone
	said := p.says()
	return said, p.cmd.Wait()
}

// signIn returns a task, without a point, for a new grant.
func signIn(t *testing.T, emu *emulatortest.Emulator, kind, place string) (task, store) {
	t.Helper()
	return signInSealed(t, emu, kind, place, "")
}

// signInSealed does so for a grant that is sealed with a keyset.
func signInSealed(t *testing.T, emu *emulatortest.Emulator, kind, place, keyset string) (task, store) {
	t.Helper()
	s, err := stores()[kind](place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	config := emu.OAuth(t, s)
	config.Scopes = []string{"openid"}
	if keyset != "" {
		if config.Sealer, err = tinkseal.Open(keyset); err != nil {
			t.Fatal(err)
		}
	}
	app, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	id := emulatortest.SignIn(t, app, config.RedirectURL)
	if err := app.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return task{Store: kind, Place: place, Provider: *config.Provider, Client: config.ClientID, Redirect: config.RedirectURL, Grant: id, Keyset: keyset}, s
}
