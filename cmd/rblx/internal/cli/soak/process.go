package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/transport"
)

const processName = "process"

// processCommand is one process of a soak, started by it: a task comes in on
// standard input, whose end is the sign to stop, and tallies go out.
func processCommand() *cobra.Command {
	return &cobra.Command{
		Use:    processName,
		Hidden: true,
		Args:   usage.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return work(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

const (
	tellEvery   = 50 * time.Millisecond
	callTime    = 30 * time.Second
	closingTime = 15 * time.Second
)

func work(ctx context.Context, in io.Reader, out, log io.Writer) error {
	commands := json.NewDecoder(in)
	var t task
	if err := commands.Decode(&t); err != nil { //nolint:musttag // only our own kind writes and reads it
		return fmt.Errorf("%s is started by rblx soak: %w", processName, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		var none json.RawMessage
		_ = commands.Decode(&none) // fails at the end of input, which is the sign
		stop()
	}()
	s, err := t.Store.Open(ctx)
	if err != nil {
		return err
	}
	m := &meter{}
	app, err := t.newApp(signin.FromEnvironment(os.Getenv), s, m)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	p := &process{task: t, grant: app.Grant(t.GrantID), meter: m, log: log}
	err = p.run(ctx, json.NewEncoder(out))
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	err = errors.Join(err, app.Close(closing), json.NewEncoder(out).Encode(m.read()))
	return errors.Join(err, s.Close())
}

type process struct {
	task  task
	grant *oauth.Grant
	meter *meter
	log   io.Writer

	mu   sync.Mutex
	told int // call errors shown
}

// run calls from all goroutines, and tells how far it is, until ctx ends.
func (p *process) run(ctx context.Context, out *json.Encoder) error {
	u, err := url.Parse(p.task.Provider.UserInfoURL)
	if err != nil {
		return err
	}
	origins, err := transport.ParseOrigins(u.Scheme + "://" + u.Host)
	if err != nil {
		return err
	}
	base := signin.NewTransport()
	base.MaxIdleConnsPerHost, base.MaxIdleConns = p.task.Goroutines, p.task.Goroutines
	defer base.CloseIdleConnections()
	client := &http.Client{Transport: &oauth.Transport{Grant: p.grant, Base: base, Origins: origins}}

	var callers sync.WaitGroup
	defer callers.Wait()
	for range p.task.Goroutines {
		callers.Go(func() {
			for rest(ctx, 100*time.Millisecond) {
				p.settle(ctx, p.call(ctx, client))
			}
		})
	}
	if p.task.Force {
		callers.Go(func() {
			for rest(ctx, 100*time.Millisecond) {
				_, _ = p.grant.Refresh(ctx) // what goes wrong the callers see too
			}
		})
	}
	var last tally
	for rest(ctx, tellEvery) {
		now := p.meter.read()
		if now == last {
			continue
		}
		if err := out.Encode(now); err != nil {
			return err
		}
		last = now
	}
	return nil
}

// rest waits for d, give or take a half, and reports whether to go on.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *process) call(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.task.Provider.UserInfoURL, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("userinfo answered %d", resp.StatusCode)
	}
	return nil
}

// settle counts a call; one that the end of the run cut off is none.
func (p *process) settle(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil {
		return
	}
	p.meter.count(func(t *tally) {
		t.Calls++
		if err != nil {
			t.CallErrors++
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.told < 3 {
		p.told++
		_, _ = fmt.Fprintln(p.log, "a call failed:", err)
	}
}
