package filestore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
)

const childEnv = "FILESTORE_TEST_CHILD"

// child does what the environment asks of a second process, and ends it.
func child() {
	task, args := os.Getenv(childEnv), os.Args[1:]
	if task == "" {
		return
	}
	s, err := Open(args[0])
	if err == nil {
		err = errors.Join(tasks()[task](s, args[1:]), s.Close())
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func tasks() map[string]func(s *Store, args []string) error {
	all := map[string]func(s *Store, args []string) error{
		"count": func(s *Store, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return err
			}
			return count(s, oauth.GrantID(args[0]), n)
		},
		"refresh": func(s *Store, args []string) error { return refresh(s, oauth.GrantID(args[0])) },
		"rotate":  rotate,
		"take": func(s *Store, args []string) error {
			_, err := s.TakeFlow(context.Background(), args[0], args[1])
			return err
		},
	}
	maps.Copy(all, systemTasks())
	return all
}

// process is this test's program, started anew to do a task.
func process(t *testing.T, task string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), childEnv+"="+task)
	return cmd
}

// count adds one to the generation of a grant n times.
func count(s *Store, id oauth.GrantID, n int) error {
	ctx := context.Background()
	for n > 0 {
		row, err := s.Load(ctx, id)
		if err != nil {
			return err
		}
		switch _, err := s.Swap(ctx, row.Version, sample(id, row.Generation+1)); {
		case err == nil:
			n--
		case !errors.Is(err, oauth.ErrConflict):
			return err
		}
	}
	return nil
}

func TestProcessesLoseNoUpdate(t *testing.T) {
	t.Parallel()
	const processes, each = 2, 150
	s := openTest(t, newDir(t))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 0))
	var running []*exec.Cmd
	for range processes {
		cmd := process(t, "count", s.dir, string(row.GrantID), strconv.Itoa(each))
		cmd.Stdout = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	if err := count(s, row.GrantID, each); err != nil {
		t.Error(err)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stdout)
		}
	}
	if got := mustLoad(t, s, row.GrantID).Generation; got != (processes+1)*each {
		t.Errorf("generation %d after %d updates", got, (processes+1)*each)
	}
}

func TestProcessesTakeAFlowOnce(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	flow := oauth.Flow{ID: "id", Binding: "binding", Expires: bootclock.Now().AddDate(1000, 0, 0)}
	if err := s.PutFlow(t.Context(), flow); err != nil {
		t.Fatal(err)
	}
	var running []*exec.Cmd
	for range 4 {
		cmd := process(t, "take", s.dir, flow.ID, flow.Binding)
		cmd.Stdout = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	took := 0
	for _, cmd := range running {
		switch err := cmd.Wait(); {
		case err == nil:
			took++
		case !strings.Contains(fmt.Sprint(cmd.Stdout), oauth.ErrFlowUsed.Error()):
			t.Errorf("%v: %s", err, cmd.Stdout)
		}
	}
	if took != 1 {
		t.Errorf("%d processes took the flow", took)
	}
}

// refresh commits generation after generation, each after an intent, and says
// so.
func refresh(s *Store, id oauth.GrantID) error {
	ctx := context.Background()
	row, err := s.Load(ctx, id)
	for err == nil {
		if row.Intent == nil {
			row, err = s.Swap(ctx, row.Version, withIntent(row))
			continue
		}
		if row, err = s.Swap(ctx, row.Version, sample(id, row.Generation+1)); err == nil {
			fmt.Println(row.Generation)
		}
	}
	return err
}

// A process that is killed at any point leaves the old row or the new one, and
// never less than it has acknowledged.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	const rounds = 120
	s := openTest(t, newDir(t))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 0))
	for round := range rounds {
		cmd := process(t, "refresh", s.dir, string(row.GrantID))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged, lines := row.Generation, bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if acknowledged, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
				t.Fatal(lines.Text())
			}
			if n == round%4 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process was not killed")
		}

		got := mustLoad(t, s, row.GrantID)
		if got.Generation != acknowledged && got.Generation != acknowledged+1 {
			t.Fatalf("round %d: generation %d is stored, %d was acknowledged", round, got.Generation, acknowledged)
		}
		if want := sample(row.GrantID, got.Generation); !bytes.Equal(got.Sealed, want.Sealed) {
			t.Fatalf("round %d: generation %d holds another's tokens", round, got.Generation)
		}
		if acknowledged == row.Generation {
			t.Fatalf("round %d: the process wrote nothing", round)
		}
		// The dead hold no lock, and what they left half written is no obstacle.
		row = mustSwap(t, s, got.Version, withIntent(got))
		row = mustSwap(t, s, row.Version, sample(row.GrantID, row.Generation+1))
	}
	if n := len(files(t, s.dir)); n > 4 { // identity, row, one temporary, one spare
		t.Errorf("%d files are left after %d kills", n, rounds)
	}
}
