// Package testenv is how a test copes with what a machine may lack.
package testenv

import (
	"os"
	"testing"
)

// Skip skips a test that needs what is not there, such as a browser, and says
// what. With RBLX_REQUIRE=1, as in continuous integration where all of it has to
// be there, the test fails.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("RBLX_REQUIRE") == "1" {
		t.Fatalf(format+"; RBLX_REQUIRE=1 does not let a test skip", args...)
	}
	t.Skipf(format, args...)
}
