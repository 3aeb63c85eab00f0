package sqlitestore

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
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

const childEnv = "SQLITESTORE_TEST_CHILD"

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
		"open": func(s *Store, _ []string) error {
			fmt.Print(s.run)
			return nil
		},
		"count": func(s *Store, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return err
			}
			return count(s, oauth.GrantID(args[0]), n)
		},
		"refresh": func(s *Store, args []string) error { return refresh(s, oauth.GrantID(args[0])) },
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

// run starts n processes at once and returns what each says.
func run(t *testing.T, n int, task string, args ...string) []string {
	t.Helper()
	var running []*exec.Cmd
	for range n {
		cmd := process(t, task, args...)
		cmd.Stdout = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	var said []string
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stdout)
		}
		said = append(said, fmt.Sprint(cmd.Stdout))
	}
	return said
}

// Of processes that open a new file at once, one makes it and all agree.
func TestProcessesCreateOneDatabase(t *testing.T) {
	t.Parallel()
	for range 5 {
		path := newPath(t)
		said := run(t, 4, "open", path)
		for _, id := range said {
			if id != openTest(t, path).run || id == "" {
				t.Errorf("processes opened the stores %q", said)
			}
		}
	}
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
	const processes, each = 3, 100
	s := openTest(t, newPath(t))
	row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 0))
	run(t, processes, "count", s.path, string(row.GrantID), strconv.Itoa(each))
	if got := mustLoad(t, s, row.GrantID).Generation; got != processes*each {
		t.Errorf("generation %d after %d updates", got, processes*each)
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
	const rounds = 60
	path := newPath(t)
	id := oauth.NewGrantID()
	stored := uint64(0)
	for round := range rounds {
		var s *Store
		if round%2 == 0 { // with nobody else there, the next to open recovers the log
			s = openTest(t, path)
			if round == 0 {
				mustSwap(t, s, "", sample(id, 0))
			}
		}
		cmd := process(t, "refresh", path, string(id))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged, lines := stored, bufio.NewScanner(out)
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
		if s == nil {
			s = openTest(t, path)
		}
		got := mustLoad(t, s, id)
		if got.Generation != acknowledged && got.Generation != acknowledged+1 {
			t.Fatalf("round %d: generation %d is stored, %d was acknowledged", round, got.Generation, acknowledged)
		}
		if want := sample(id, got.Generation); !bytes.Equal(got.Sealed, want.Sealed) {
			t.Fatalf("round %d: generation %d holds another's tokens", round, got.Generation)
		}
		if acknowledged == stored {
			t.Fatalf("round %d: the process wrote nothing", round)
		}
		// The dead hold no lock, and what they left half written is no obstacle.
		got = mustSwap(t, s, got.Version, withIntent(got))
		stored = mustSwap(t, s, got.Version, sample(id, got.Generation+1)).Generation
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
