//go:build unix

package killtest

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/redistest"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

var rounds = flag.Int("rounds", 1, "how often each process is killed or stopped at each point")

// harm is what is done to a process at a point.
type harm string

const (
	kill harm = "SIGKILL" // and another process goes on
	stop harm = "SIGSTOP" // another process goes on, then the first one does

	killServer harm = "SIGKILL to the server" // which comes back; the process goes on without it until then
)

type cell struct {
	store  string
	harm   harm
	point  point
	policy emulator.Reuse // what the provider does about a refresh token that comes twice
}

// cells are all there is to try, in the order of the table.
func cells() (all []cell) {
	for _, kind := range slices.Sorted(maps.Keys(stores())) {
		harms := []harm{kill, stop}
		if kind == "redis everysec" { // for processes it is as any
			harms = nil
		}
		if servers()[kind] != nil {
			harms = append(harms, killServer)
		}
		for _, h := range harms {
			for _, p := range points() {
				for _, policy := range []emulator.Reuse{emulator.ReuseRevoke, emulator.ReuseReject} {
					all = append(all, cell{kind, h, p, policy})
				}
			}
		}
	}
	return all
}

// outcomes counts what became of the grants of a cell.
type outcomes struct{ recovered, lost, silent int }

// verdict is what a round is expected to end with, and how often the provider
// may be shown a refresh token that it has redeemed before.
func (c cell) verdict(s oauth.Store) (lost bool, reuses int) {
	_, tells := s.(oauth.FlightLocker)
	switch {
	case c.harm == killServer:
		return false, 0 // what was acknowledged comes back, and the process has the rest
	case c.point != sent && c.point != answered && c.point != beforeCommit:
		return false, 0
	case c.harm == kill:
		return true, 1 // the only copy of the next token died with the process
	case tells:
		return false, 0 // who stands still is waited for
	}
	// It is taken for dead. When it comes back to a provider that has not ended
	// the grant, it commits its token after all.
	return c.policy == emulator.ReuseRevoke, 1
}

// mayForget reports whether the server may have forgotten a commit that it
// acknowledged, and nobody who knows of it goes on: under appendfsync everysec
// a write waits in the server while the disk is busy.
func (c cell) mayForget() bool {
	return c.store == "redis everysec" && c.harm == killServer && c.point == afterCommit
}

// TestKillAndStop harms a process at each point of a refresh on each store.
// Another process must recover the grant, or record that it was lost in flight;
// nothing else may happen, and the provider may see no token twice but by the
// one probe.
func TestKillAndStop(t *testing.T) {
	t.Parallel()
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	var (
		mu      sync.Mutex
		results = map[cell]*outcomes{}
		running sync.WaitGroup
		places  = make(chan struct{}, 10) // rounds at a time; they mostly wait
	)
	for range *rounds { //nolint:paralleltest // more rounds at a time than -parallel would allow
		for _, c := range cells() {
			places <- struct{}{}
			running.Go(func() {
				defer func() { <-places }()
				name := fmt.Sprintf("%s/%s/%s/%s", c.store, c.harm, c.point, c.policy)
				t.Run(name, func(t *testing.T) {
					end, silent := c.round(t)
					mu.Lock()
					defer mu.Unlock()
					if results[c] == nil {
						results[c] = &outcomes{}
					}
					switch o := results[c]; {
					case silent:
						o.silent++
					case end == refreshed:
						o.recovered++
					default:
						o.lost++
					}
				})
			})
		}
	}
	running.Wait()
	if *rounds > 1 {
		fmt.Print(table(results))
	}
}

// round returns how the grant ended, and whether a loss has no true record.
func (c cell) round(t *testing.T) (end string, silent bool) {
	emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL, o.RefreshReuse = 2*time.Second, c.policy })
	var server server
	place := ""
	if c.harm == killServer {
		server, place = servers()[c.store](t)
	} else {
		place = newPlace(t, c.store)
	}
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	if _, err := tinkseal.Create(keyset); err != nil {
		t.Fatal(err)
	}
	second, s := signInSealed(t, emu, c.store, place, keyset)
	if r, ok := server.(*redistest.Server); ok {
		r.Written(t) // only what is done from now on may be forgotten
	}
	if c.point == sent { // the answer takes longer than the signal
		emu.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, GrantType: "refresh_token", Delay: 200 * time.Millisecond})
	}
	first := second
	first.Point = c.point
	a, err := first.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := a.says(); got != reached {
		t.Fatalf("the first process says %q before it comes to its point", got)
	}
	rotateKeyset(t, keyset) // the second process seals with another key
	var met, then string
	switch c.harm {
	case kill:
		met = c.kill(t, a, second)
	case stop:
		met, then = c.stop(t, a, second, s)
	case killServer:
		then = c.killServer(t, a, server)
	}
	config, err := second.config(s)
	if err != nil {
		t.Fatal(err)
	}
	app, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	end = refresh(t.Context(), app.Grant(second.Grant))
	if err := app.Close(context.Background()); err != nil {
		t.Error(err)
	}
	story := fmt.Sprintf("the second process: %s; the first: %s; at last: %s", met, then, end)
	silent = end != refreshed && end != string(oauth.ReasonLostInFlight)
	lost, reuses := c.verdict(s)
	if c.mayForget() && end == string(oauth.ReasonLostInFlight) {
		lost, reuses = true, 1
	}
	if silent || (end != refreshed) != lost {
		t.Error(story)
	}
	if got := len(emu.Log().Reuses()); got != reuses {
		t.Errorf("a redeemed refresh token was presented %d times, want %d; %s", got, reuses, story)
	}
	return end, silent
}

func rotateKeyset(t *testing.T, keyset string) {
	t.Helper()
	for _, change := range []func(string) (tinkseal.Key, error){tinkseal.AddKey, tinkseal.Promote} {
		if _, err := change(keyset); err != nil {
			t.Fatal(err)
		}
	}
}

// kill ends process a for good and has another one refresh.
func (c cell) kill(t *testing.T, a *process, second task) string {
	if err := a.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := a.end(); err == nil {
		t.Fatal("the first process was not killed")
	}
	b, err := second.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	met, err := b.end()
	if err != nil {
		t.Error(err)
	}
	return met
}

// stop has another process refresh while a stands still, and then lets a go on:
// when the other one has ended, or where it may wait for a, when it has done so
// for a while.
func (c cell) stop(t *testing.T, a *process, second task, s oauth.Store) (met, then string) {
	if err := a.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b, err := second.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		said, err := b.end()
		if err != nil {
			t.Error(err)
		}
		met = said
	}()
	var waits <-chan time.Time
	if _, tells := s.(oauth.FlightLocker); tells {
		waits = time.After(stoppedFor)
	}
	select {
	case <-ended:
	case <-waits:
	}
	if err := a.signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	then, err = a.end()
	if err != nil {
		t.Error(err)
	}
	<-ended
	return met, then
}

// killServer ends the store's server and lets process a go on, for a while
// without it.
func (c cell) killServer(t *testing.T, a *process, s server) (then string) {
	s.Kill(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		said, err := a.end()
		if err != nil {
			t.Error(err)
		}
		then = said
	}()
	select {
	case <-ended:
		if c.point != afterCommit {
			t.Errorf("the process ended without a store: %s", then)
		}
	case <-time.After(stoppedFor / 2):
	}
	s.Restart(t)
	<-ended
	return then
}

// stoppedFor is longer than deadline, drain margin and access token last.
const stoppedFor = 3 * time.Second

// table has a line for each store, signal and kind of provider, and in it for
// each point how many grants were recovered, recorded as lost and silently lost.
func table(results map[cell]*outcomes) string {
	var b strings.Builder
	b.WriteString("| store | signal | reuse |")
	for _, p := range points() {
		fmt.Fprintf(&b, " %s |", p)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("--:|", len(points())))
	var line cell
	all := cells()
	slices.SortStableFunc(all, func(x, y cell) int {
		return cmp.Or(cmp.Compare(x.store, y.store), cmp.Compare(x.harm, y.harm), cmp.Compare(x.policy, y.policy))
	})
	for _, c := range all {
		if start := (cell{c.store, c.harm, "", c.policy}); start != line {
			line = start
			fmt.Fprintf(&b, "\n| %s | %s | %s |", c.store, c.harm, c.policy)
		}
		o := cmp.Or(results[c], &outcomes{})
		fmt.Fprintf(&b, " %d/%d/%d |", o.recovered, o.lost, o.silent)
	}
	return b.String() + "\n"
}
