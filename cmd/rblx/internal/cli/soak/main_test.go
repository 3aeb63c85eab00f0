package soak

import (
	"context"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// TestMain is the process of a soak too: it is started with the same arguments
// as rblx.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{"soak", processName}) {
		if err := work(context.Background(), os.Stdin, os.Stdout, os.Stderr); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := os.Setenv("TMPDIR", testenv.InMemory()); err != nil { // where all stores of these tests are
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
