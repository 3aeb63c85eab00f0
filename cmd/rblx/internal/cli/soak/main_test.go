package soak

import (
	"context"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"
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
	goleak.VerifyTestMain(m)
}
