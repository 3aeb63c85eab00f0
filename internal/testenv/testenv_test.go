package testenv_test

import (
	"testing"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// fakeT stops like the real one, but remembers how instead of ending the test.
type fakeT struct {
	testing.TB
	how string
}

func (*fakeT) Helper()                 {}
func (f *fakeT) Skipf(string, ...any)  { f.how = "skipped"; panic(f) }
func (f *fakeT) Fatalf(string, ...any) { f.how = "failed"; panic(f) }

func howItEnds(t *testing.T) string {
	t.Helper()
	f := &fakeT{TB: t}
	func() {
		defer func() { _ = recover() }()
		testenv.Skip(f, "no %s here", "browser")
	}()
	return f.how
}

func TestSkip(t *testing.T) {
	t.Setenv("RBLX_REQUIRE", "")
	if how := howItEnds(t); how != "skipped" {
		t.Errorf("on a laptop: %q", how)
	}
	t.Setenv("RBLX_REQUIRE", "1")
	if how := howItEnds(t); how != "failed" {
		t.Errorf("where nothing may be missing: %q", how)
	}
}
