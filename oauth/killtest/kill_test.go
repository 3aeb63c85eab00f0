//go:build unix

package killtest

import (
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

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

var rounds = flag.Int("rounds", 1, "how often each process is killed or stopped at each point")

// harm is what is done to a process at a point.
type harm string

const (
	kill harm = "SIGKILL" // and another process goes on
	stop harm = "SIGSTOP" // another process goes on, then the first one does
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
		for _, h := range []harm{kill, stop} {
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
	second, s := signIn(t, emu, c.store, filepath.Join(t.TempDir(), "store"))
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
	var met, then string
	if c.harm == kill {
		met = c.kill(t, a, second)
	} else {
		met, then = c.stop(t, a, second)
	}
	app, err := oauth.New(second.config(s))
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
	if silent || (end != refreshed) != lost {
		t.Error(story)
	}
	if got := len(emu.Log().Reuses()); got != reuses {
		t.Errorf("a redeemed refresh token was presented %d times, want %d; %s", got, reuses, story)
	}
	return end, silent
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

// stop has another process refresh while a stands still, and then lets a go on.
func (c cell) stop(t *testing.T, a *process, second task) (met, then string) {
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
	select {
	case <-ended:
	case <-time.After(stoppedFor): // it waits for the first, as it may
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

// stoppedFor is longer than deadline, drain margin and access token last.
const stoppedFor = 3 * time.Second

func table(results map[cell]*outcomes) string {
	var b strings.Builder
	b.WriteString("| store | signal | when | reuse | recovered | recorded as lost | silently lost |\n|---|---|---|---|--:|--:|--:|\n")
	for _, c := range cells() {
		if o := results[c]; o != nil {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %d | %d |\n", c.store, c.harm, c.point, c.policy, o.recovered, o.lost, o.silent)
		}
	}
	return b.String()
}
