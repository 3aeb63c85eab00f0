package flock

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

const childEnv = "FLOCK_TEST_CHILD"

// TestMain is the process of a task, too, where the environment has one.
func TestMain(m *testing.M) {
	task := os.Getenv(childEnv)
	if task == "" {
		goleak.VerifyTestMain(m)
		return
	}
	root, err := os.OpenRoot(os.Args[1])
	if err == nil {
		err = tasks()[task](root, os.Args[2:])
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func tasks() map[string]func(root *os.Root, args []string) error {
	return map[string]func(*os.Root, []string) error{
		"hold": func(root *os.Root, args []string) error {
			if _, err := Try(root, args[0]); err != nil {
				return err
			}
			fmt.Println("held")
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		},
		"enter": func(root *os.Root, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return err
			}
			return enter(root, args[0], n)
		},
	}
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

func newRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}
