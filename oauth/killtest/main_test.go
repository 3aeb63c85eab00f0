//go:build unix

// Package killtest kills and stops real processes at the moments of a refresh
// that matter, and looks at what another process makes of it.
package killtest

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

const taskEnv = "KILLTEST_TASK"

// TestMain is the process to kill, too, where the environment has a task.
func TestMain(m *testing.M) {
	text := os.Getenv(taskEnv)
	if text == "" {
		goleak.VerifyTestMain(m)
		return
	}
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil { //nolint:musttag // only this test writes and reads it
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := t.do(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
