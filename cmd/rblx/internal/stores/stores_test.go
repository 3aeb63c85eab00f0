package stores

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/oauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A store that was opened once is there the next time, and one that never was
// is not made by looking for it.
func TestOpenExisting(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		if k.temporary == "" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			p := Place{Kind: k.name, URL: filepath.Join(t.TempDir(), "made", k.temporary)}
			if _, err := p.OpenExisting(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "--store-url: "+p.URL) {
				t.Errorf("before it exists: %v", err)
			}
			if _, err := os.Stat(filepath.Dir(p.URL)); err == nil {
				t.Error("looking for it made it")
			}
			row := oauth.Row{GrantID: oauth.NewGrantID(), State: oauth.StateActive}
			s := opened(t)(p.Open(t.Context()))
			if _, err := s.Swap(t.Context(), "", row); err != nil {
				t.Error(err)
			}
			s = opened(t)(p.OpenExisting(t.Context()))
			if _, err := s.Load(t.Context(), row.GrantID); err != nil {
				t.Error(err)
			}
		})
	}
}

func opened(t *testing.T) func(Store, error) Store {
	t.Helper()
	return func(s Store, err error) Store {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
}

func TestOrTemporary(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		at, remove, err := Place{Kind: k.name}.OrTemporary()
		if err != nil {
			t.Fatal(err)
		}
		if (at.URL == "") != (k.temporary == "") {
			t.Errorf("%s is at %q", k.name, at.URL)
		}
		remove()
		if _, err := os.Stat(filepath.Dir(at.URL)); k.temporary != "" && err == nil {
			t.Errorf("%s is left", at.URL)
		}
		given := Place{Kind: k.name, URL: "here"}
		if at, remove, err = given.OrTemporary(); err != nil || at != given {
			t.Errorf("%+v became %+v, %v", given, at, err)
		}
		remove()
	}
}

func TestWrongPlaces(t *testing.T) {
	t.Parallel()
	notes := t.TempDir() // of somebody
	for want, p := range map[string]Place{
		`--store "floppy": want file|sqlite|postgres|redis`:     {Kind: "floppy"},
		"--store-url: is not given; it names the directory of ": {Kind: "file"},
		"--store-url: is not given; it names the file of ":      {Kind: "sqlite"},
		"--store-url: it is no postgres: URL, such as ":         {Kind: "postgres", URL: "postgres://user:hush@host:port/"},
		"--store-url: it is no path and no file: URL; --store ": {Kind: "file", URL: "http://user:hush@example.com/"},
		"--store-url: " + notes + " is no store of grants":      {Kind: "file", URL: notes},
		"--store-url: " + notes + " is a directory":             {Kind: "sqlite", URL: notes},
	} {
		s, err := p.OpenExisting(t.Context())
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
	if left, err := os.ReadDir(notes); err != nil || len(left) != 0 {
		t.Errorf("%s has %v now (%v)", notes, left, err)
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{"/a/b": "/a/b", "file:///a/b": "/a/b", "grants": "grants", `C:\grants`: `C:\grants`} {
		if got, err := parsePath(url); err != nil || got != want {
			t.Errorf("%q is at %q, %v", url, got, err)
		}
	}
}
