package filestore

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

// newDir names a directory that Open is to create, with Open's own mode.
func newDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "grants")
}

// sample is a row of some generation; its Sealed is made of it, so that no two
// writes look alike.
func sample(id oauth.GrantID, generation uint64) oauth.Row {
	sealed := make([]byte, 900+generation%700)
	for i := range sealed {
		sealed[i] = byte(generation)
	}
	return oauth.Row{
		GrantID: id, App: "1", Subject: "156", Generation: generation, State: oauth.StateActive,
		RefreshIssued: time.Unix(1_700_000_000, 0), Sealed: sealed,
	}
}

func withIntent(row oauth.Row) oauth.Row {
	row.Intent = &oauth.Intent{ID: "intent", Base: row.Generation, Deadline: bootclock.Now().Add(time.Minute)}
	return row
}

func mustSwap(t testing.TB, s *Store, old oauth.Version, row oauth.Row) oauth.Row {
	t.Helper()
	stored, err := s.Swap(t.Context(), old, row)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func mustLoad(t testing.TB, s *Store, id oauth.GrantID) oauth.Row {
	t.Helper()
	row, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// files returns the names of all files of a store but its locks.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "lock" {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func rowPath(s *Store, id oauth.GrantID) string { return s.path(rowName(id) + rowSuffix) }

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustWrite(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, localdir.FileMode); err != nil {
		t.Fatal(err)
	}
}
