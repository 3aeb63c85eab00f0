package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
)

// fleet runs the processes of a soak.
type fleet struct {
	app  signin.App
	task task
	kill bool
	log  io.Writer

	mu      sync.Mutex
	tallies []tally // of every process there has been
	kills   int
}

// A process that is to be killed lives this long, give or take a half.
const killAfter = 1200 * time.Millisecond

// run keeps n processes running until ctx ends or the grant is lost: then
// there is nothing left to call with.
func (f *fleet) run(ctx context.Context, n int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for range n {
		group.Go(func() error {
			for ctx.Err() == nil {
				if err := f.process(ctx, stop); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// process runs one process to its end, and calls lost if it has lost the grant.
func (f *fleet) process(ctx context.Context, lost func()) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe, "soak", processName)
	cmd.Stderr = f.log
	cmd.Env = append(os.Environ(), "ROBLOX_CLIENT_ID="+f.app.ClientID, "ROBLOX_CLIENT_SECRET="+string(f.app.ClientSecret))
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Cancel, cmd.WaitDelay = in.Close, 2*closingTime // it ends by itself when its input does
	if err := cmd.Start(); err != nil {
		return err
	}
	var killed atomic.Bool
	if f.kill {
		defer time.AfterFunc(killAfter/2+rand.N(killAfter), func() {
			killed.Store(true)
			_ = cmd.Process.Kill() // it may have ended already
		}).Stop()
	}
	err = json.NewEncoder(in).Encode(f.task) //nolint:musttag // only our own kind writes and reads it
	f.listen(out, lost)
	if waitErr := cmd.Wait(); err == nil {
		err = waitErr
	}
	switch {
	case killed.Load():
		f.mu.Lock()
		defer f.mu.Unlock()
		f.kills++
		return nil
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("a process ended: %w", err)
	}
	return errors.New("a process ended before it was told to")
}

// listen takes in the tallies of a process until it ends.
func (f *fleet) listen(out io.Reader, lost func()) {
	f.mu.Lock()
	mine := len(f.tallies)
	f.tallies = append(f.tallies, tally{})
	f.mu.Unlock()
	lines := json.NewDecoder(out)
	for {
		var t tally
		if lines.Decode(&t) != nil { // it has ended, perhaps in the middle of a line
			return
		}
		f.mu.Lock()
		f.tallies[mine] = t
		f.mu.Unlock()
		if t.Lost {
			lost()
		}
	}
}

func (f *fleet) sum() (total tally, kills int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tallies {
		total = total.plus(t)
	}
	return total, f.kills
}
