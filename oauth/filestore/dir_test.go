package filestore

import (
	"path/filepath"
	"testing"
)

// newDir names a directory that Open is to create, with Open's own mode.
func newDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "grants")
}
