//go:build unix

package filestore

import (
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// A process that is stopped for longer than anybody can wait, with an answer
// not yet read, loses nothing if another one can see that it lives; and one
// that was killed is in nobody's way.
func TestStoppedProcessKeepsItsAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		first  rotation
		signal syscall.Signal
		second []string    // what it says
		reuses int         // how often a redeemed refresh token was presented
		state  oauth.State // at the end
	}{
		{"stopped", rotation{Stand: "unread"}, syscall.SIGSTOP, []string{saysLocked, saysRefreshed}, 0, oauth.StateActive},
		{"stopped, without the lock", rotation{Stand: "unread", Unlocked: true}, syscall.SIGSTOP, []string{string(oauth.ReasonLostInFlight)}, 1, oauth.StateActive}, // the answer is committed all the same
		{"killed", rotation{Stand: "sending"}, syscall.SIGKILL, []string{saysRefreshed}, 0, oauth.StateActive},
		{"killed with the answer", rotation{Stand: "unread"}, syscall.SIGKILL, []string{string(oauth.ReasonLostInFlight)}, 1, oauth.StateNeedsReauth},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL = 2 * time.Second })
			// Only the first access token is short-lived: one that a stopped process
			// brings in the end still serves.
			emu.Fault(emulator.Fault{GrantType: "refresh_token", Kind: emulator.StringExpiresIn})
			s := openTest(t, newDir(t))
			second := signIn(t, emu, s)
			second.Unlocked = tt.first.Unlocked
			first := second
			first.Stand = tt.first.Stand

			a := startRotation(t, s, first)
			a.want(saysStanding)
			if err := a.cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			b := startRotation(t, s, second)
			b.want(tt.second[0])
			if tt.signal == syscall.SIGSTOP {
				if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				_ = a.stdin.Close()
				_, _ = io.Copy(io.Discard, a.out)
			}
			_ = a.cmd.Wait() // an error, where it was killed
			for _, text := range tt.second[1:] {
				b.want(text)
			}
			_ = b.stdin.Close()
			if err := b.cmd.Wait(); err != nil {
				t.Error(err)
			}
			if got := mustLoad(t, s, second.Grant); got.State != tt.state {
				t.Errorf("the grant is %s (%s) at the end, want %s", got.State, got.Reason, tt.state)
			}
			if got := len(emu.Log().Reuses()); got != tt.reuses {
				t.Errorf("a redeemed refresh token was presented %d times, want %d", got, tt.reuses)
			}
		})
	}
}
