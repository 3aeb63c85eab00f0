package api_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkColdBuild is what the compiler's processes take to build a program
// with nothing in the build cache but the standard library, in seconds of user
// time. What the module costs is what is above net/http.
func BenchmarkColdBuild(b *testing.B) {
	seed := b.TempDir()
	list := exec.CommandContext(b.Context(), "go", "list", "-deps", "-f", "{{if .Standard}}{{.ImportPath}}{{end}}", "./testdata/build/nethttp", "./testdata/build/api")
	std, err := list.Output()
	if err != nil {
		b.Fatal(err)
	}
	build(b, seed, append([]string{"build"}, strings.Fields(string(std))...)...)
	for _, program := range []string{"nethttp", "users", "api"} {
		b.Run(program, func(b *testing.B) {
			seconds := 0.0
			for b.Loop() {
				cache := b.TempDir()
				link(b, seed, cache)
				seconds += build(b, cache, "build", "-o", filepath.Join(cache, "program"), "./testdata/build/"+program)
			}
			b.ReportMetric(seconds/float64(b.N), "user-s/op")
		})
	}
}

// build runs the go command and returns the user time of its processes.
func build(b *testing.B, cache string, args ...string) float64 {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return cmd.ProcessState.UserTime().Seconds()
}

// link makes a copy of a build cache that shares its files.
func link(b *testing.B, from, to string) {
	b.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o750)
		}
		return os.Link(path, filepath.Join(to, name))
	})
	if err != nil {
		b.Fatal(err)
	}
}
