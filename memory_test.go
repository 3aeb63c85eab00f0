package opencloud_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// memoryChild is set, to the name of a test, in a process that measures.
const memoryChild = "RBLX_TEST_MEMORY_CHILD"

// testMemory fails t unless moving a gigabyte takes no more memory at its peak
// than moving a byte, give or take 16 MiB, as the kernel counts it: in a process
// of its own, by the high-water mark of its resident memory.
func testMemory(t *testing.T, move func(size int64)) {
	t.Helper()
	if os.Getenv(memoryChild) == t.Name() {
		move(1)
		before := peak(t)
		move(1 << 30)
		fmt.Printf("the peak grew by %d KiB\n", peak(t)-before)
		return
	}
	if peak(t) == 0 {
		testenv.Skip(t, "no VmHWM in /proc/self/status")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), memoryChild+"="+t.Name())
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	grown := regexp.MustCompile(`grew by (\d+) KiB`).FindSubmatch(out)
	if grown == nil {
		t.Fatalf("the child did not measure: %s", out)
	}
	kib, err := strconv.Atoi(string(grown[1]))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("moving 1 GiB raised the peak by %d KiB", kib)
	if kib > 16<<10 {
		t.Errorf("the peak grew by %d KiB, want at most 16 MiB", kib)
	}
}

// peak returns the most memory that this process has had resident, in KiB, and
// 0 where the kernel does not tell.
func peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
