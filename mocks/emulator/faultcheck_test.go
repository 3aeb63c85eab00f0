package emulator

import (
	"os"
	"regexp"
	"testing"
)

// Every constant is one that a fault may have.
func TestFaultNames(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("fault.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, c := range regexp.MustCompile(`(?m)^\t([A-Z]\w+) +(Endpoint|Kind) = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		f := Fault{Endpoint: Endpoint(c[3])}
		if c[2] == "Kind" {
			f = Fault{Kind: Kind(c[3])}
		}
		if err := f.check(); err != nil {
			t.Errorf("%s: %v", c[1], err)
		}
		found[c[2]]++
	}
	if found["Endpoint"] != len(endpoints()) || found["Kind"] != len(kinds()) {
		t.Errorf("%v constants, %d endpoints, %d kinds", found, len(endpoints()), len(kinds()))
	}
}
