package opencloud_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rblx-go/opencloud"

// A layer says what may be compiled into the packages that match a pattern,
// tests apart. Patterns of our own packages are relative to the module, "."
// being the root; those of others are import paths. "x/*" is one level below x,
// "x/..." is x and all below, "..." is everything.
type layer struct {
	packages string
	ours     []string
	others   []string
}

// layers is the import map: the first layer that matches a package holds for
// it, and a package without one has no place in the module.
func layers() []layer {
	limits := []string{"golang.org/x/time/...", "golang.org/x/sync/..."}
	oauthOthers := append(slices.Clone(limits), "golang.org/x/oauth2/...", "golang.org/x/sys/...", "github.com/go-jose/go-jose/v4/...")
	// The driver and what it needs.
	sqlite := []string{
		"modernc.org/...", "github.com/dustin/go-humanize", "github.com/google/uuid", "github.com/mattn/go-isatty",
		"github.com/ncruces/go-strftime", "github.com/remyoudompheng/bigfft",
	}
	postgres := []string{"github.com/jackc/...", "golang.org/x/text/..."}
	redis := []string{"github.com/redis/go-redis/v9/...", "github.com/cespare/xxhash/v2", "go.uber.org/atomic", "golang.org/x/sys/cpu"}
	all := []string{"..."}
	return []layer{
		{"transport", nil, limits},
		{"transport/redispace", []string{"transport"}, append(slices.Clone(limits), redis...)},
		{"transport/*", []string{"transport"}, all},
		{".", []string{"transport"}, limits},
		{"api/*", []string{"transport", "."}, limits},
		{"api", []string{"transport", ".", "api/*"}, limits},
		{"oauth", []string{"transport", ".", "api/oauthv1"}, oauthOthers},
		{"oauth/internal/*", []string{"transport", ".", "api/oauthv1", "oauth", "oauth/internal/*"}, oauthOthers},
		{"oauth/filestore", []string{"transport", ".", "api/oauthv1", "oauth", "oauth/internal/*"}, oauthOthers},
		{"oauth/sqlitestore", []string{"transport", ".", "api/oauthv1", "oauth", "oauth/internal/*"}, append(slices.Clone(oauthOthers), sqlite...)},
		{"oauth/pgstore", []string{"transport", ".", "api/oauthv1", "oauth", "oauth/internal/*"}, append(slices.Clone(oauthOthers), postgres...)},
		{"oauth/redisstore", []string{"transport", ".", "api/oauthv1", "oauth", "oauth/internal/*"}, append(slices.Clone(oauthOthers), redis...)},
		{"oauth/*", []string{"transport", ".", "api/oauthv1", "oauth", "oauth/*", "oauth/internal/*"}, all},
		{"openapi", nil, nil},
		{"mocks/emulatortest", all, all},
		{"mocks/emulator/...", []string{"openapi", "mocks/emulator/..."}, all},
		{"mocks/browser", nil, all},
		{"mocks", []string{"transport", ".", "api/*"}, append(slices.Clone(limits), "github.com/jarcoal/httpmock/...")},
		{"mocks/...", []string{"transport", ".", "api/*"}, limits},
		{"internal/testenv", nil, nil},
		{"internal/pgtest", []string{"internal/testenv"}, all},
		{"internal/redistest", []string{"internal/testenv"}, all},
		{"internal/sample", []string{"transport", "."}, limits},
		{"cmd/...", all, all},
	}
}

type goPackage struct {
	ImportPath string   `json:"ImportPath"`
	Standard   bool     `json:"Standard"`
	Deps       []string `json:"Deps"`
}

func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Deps", "./...").Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Logf("%s", exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if !slices.ContainsFunc(packages, func(p goPackage) bool { return p.ImportPath == module+"/transport" }) {
		t.Fatalf("go list did not find this module among %d packages", len(packages))
	}
	for _, v := range violations(packages) {
		t.Error(v)
	}
}

// violations returns what in a build breaks the import map.
func violations(packages []goPackage) (found []string) {
	standard := map[string]bool{"C": true}
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range packages {
		name, ours := within(p.ImportPath)
		if !ours {
			continue
		}
		i := slices.IndexFunc(layers(), func(l layer) bool { return match(l.packages, name) })
		if i < 0 {
			found = append(found, fmt.Sprintf("%s is in no layer of the import map", name))
			continue
		}
		l := layers()[i]
		for _, dep := range p.Deps {
			allowed := l.others
			depName, ours := within(dep)
			if ours {
				allowed = l.ours
			}
			if !standard[dep] && !slices.ContainsFunc(allowed, func(pattern string) bool { return match(pattern, depName) }) {
				found = append(found, fmt.Sprintf("%s must not have %s compiled in", name, depName))
			}
		}
	}
	return found
}

// within returns the name that the patterns know a package by.
func within(importPath string) (name string, ours bool) {
	if importPath == module {
		return ".", true
	}
	if rest, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return rest, true
	}
	return importPath, false
}

func match(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "..."); ok {
		prefix = strings.TrimSuffix(prefix, "/")
		return prefix == "" || name == prefix || strings.HasPrefix(name, prefix+"/")
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func TestViolations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		deps []string
		bad  string
	}{
		{"transport", []string{"fmt", "golang.org/x/time/rate"}, ""},
		{"transport", []string{module}, "."},
		{"transport", []string{"golang.org/x/net/http2"}, "golang.org/x/net/http2"},
		{"transport/oteltransport", []string{module + "/transport", "go.opentelemetry.io/otel"}, ""},
		{"", []string{module + "/transport"}, ""},
		{"", []string{module + "/api/users"}, "api/users"},
		{"", []string{"github.com/getkin/kin-openapi/openapi3"}, "github.com/getkin/kin-openapi/openapi3"},
		{"api/users", []string{module, module + "/transport"}, ""},
		{"api/users", []string{module + "/api/groups"}, "api/groups"},
		{"api/users", []string{"github.com/spf13/cobra"}, "github.com/spf13/cobra"},
		{"api", []string{module + "/api/users", module}, ""},
		{"api", []string{module + "/oauth"}, "oauth"},
		{"oauth", []string{module + "/api/oauthv1", "golang.org/x/oauth2"}, ""},
		{"oauth", []string{module + "/api"}, "api"},
		{"oauth", []string{module + "/api/users"}, "api/users"},
		{"oauth", []string{"github.com/jackc/pgx/v5"}, "github.com/jackc/pgx/v5"},
		{"oauth", []string{"github.com/tink-crypto/tink-go/v2/tink"}, "github.com/tink-crypto/tink-go/v2/tink"},
		{"oauth/filestore", []string{module + "/oauth", module + "/oauth/internal/record", "golang.org/x/sys/unix"}, ""},
		{"oauth/filestore", []string{"modernc.org/sqlite"}, "modernc.org/sqlite"},
		{"oauth/sqlitestore", []string{module + "/oauth", "modernc.org/sqlite", "modernc.org/libc"}, ""},
		{"oauth/sqlitestore", []string{module + "/oauth/filestore"}, "oauth/filestore"},
		{"oauth/redisstore", []string{module + "/oauth", "github.com/redis/go-redis/v9", "github.com/redis/go-redis/v9/internal/pool"}, ""},
		{"oauth/redisstore", []string{"github.com/alicebob/miniredis/v2"}, "github.com/alicebob/miniredis/v2"},
		{"oauth/pgstore", []string{module + "/oauth", "github.com/jackc/pgx/v5"}, ""},
		{"oauth/pgstore", []string{module + "/oauth/filestore"}, "oauth/filestore"},
		{"oauth/pgstore", []string{module + "/cmd/rblx/internal/cli"}, "cmd/rblx/internal/cli"},
		{"mocks/emulator", []string{module + "/openapi"}, ""},
		{"mocks/emulator", []string{module + "/oauth"}, "oauth"},
		{"mocks/emulator", []string{module + "/api/users"}, "api/users"},
		{"mocks/emulatortest", []string{module + "/oauth", module + "/api"}, ""},
		{"cmd/rblx", []string{module + "/api", "github.com/chromedp/chromedp"}, ""},
		{"openapi", []string{"go.yaml.in/yaml/v4"}, "go.yaml.in/yaml/v4"},
		{"utils", nil, "utils"},
	} {
		p := goPackage{ImportPath: strings.TrimSuffix(module+"/"+tt.name, "/"), Deps: append(tt.deps, "net/http")}
		got := violations([]goPackage{{ImportPath: "net/http", Standard: true}, {ImportPath: "fmt", Standard: true}, p})
		if tt.bad == "" && len(got) == 0 || tt.bad != "" && len(got) == 1 && strings.Contains(got[0], tt.bad) {
			continue
		}
		t.Errorf("%q with %q: %q, want a complaint about %q", tt.name, tt.deps, got, tt.bad)
	}
}
