package soak

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/filestore"
	"github.com/rblx-go/opencloud/oauth/sqlitestore"
)

const (
	storeFile   = "file"
	storeSQLite = "sqlite"
	storeKinds  = storeFile + "|" + storeSQLite
)

// store is what all processes share.
type store interface {
	oauth.Store
	oauth.FlowStore
	io.Closer
}

// storeAt is a store that is not open yet.
type storeAt struct {
	Kind string `json:"kind"`
	URL  string `json:"url"` // a path or a file URL
}

func (s storeAt) check() error {
	switch s.Kind {
	case storeFile, storeSQLite:
	default:
		return fmt.Errorf("--store %q: want %s", s.Kind, storeKinds)
	}
	if _, err := s.path(); err != nil {
		return fmt.Errorf("--store-url: %w", err)
	}
	return nil
}

func (s storeAt) path() (string, error) {
	if !strings.Contains(s.URL, "://") {
		return s.URL, nil
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "" {
		return "", fmt.Errorf("%q is no path and no file: URL", s.URL)
	}
	return filepath.FromSlash(u.Path), nil
}

// placed returns s with a place, in a temporary directory if none was given,
// which remove deletes.
func (s storeAt) placed() (at storeAt, remove func(), err error) {
	if s.URL != "" {
		return s, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "rblx-soak-")
	if err != nil {
		return s, nil, fmt.Errorf("no temporary directory for the store; --store-url names another place: %w", err)
	}
	s.URL = filepath.Join(dir, "grants")
	if s.Kind == storeSQLite {
		s.URL += ".db"
	}
	return s, func() { _ = os.RemoveAll(dir) }, nil
}

func (s storeAt) open() (store, error) {
	path, err := s.path()
	if err != nil {
		return nil, err
	}
	if s.Kind == storeSQLite {
		return sqlitestore.Open(path)
	}
	return filestore.Open(path)
}
