package keyset

import (
	"errors"
	"path/filepath"
	"testing"
)

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// Sentences that cannot be written are an error, as JSON is.
func TestUnwritableOutput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keyset.json")
	for _, args := range [][]string{{"create", file}, {"check", file}, {"check", file, "--json"}} {
		cmd := Command()
		cmd.SetArgs(args)
		cmd.SetOut(fullDisk{})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		if err := cmd.ExecuteContext(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
