package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rblx-go/opencloud/oauth/filestore"
	"github.com/rblx-go/opencloud/oauth/sqlitestore"
)

// file is a directory.
func file() kind {
	return kind{
		name: "file", place: "the directory of the grants", temporary: "grants",
		check: checkPath,
		exists: func(url string) error {
			path, err := parsePath(url)
			if err != nil {
				return err
			}
			switch info, err := os.Stat(path); {
			case err != nil:
				return missing(path, err)
			case !info.IsDir():
				return fmt.Errorf("%s is no directory", path)
			}
			// Every store has this file from its first opening on.
			if _, err := os.Stat(filepath.Join(path, "identity")); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is no store of grants", path)
			}
			return nil
		},
		open: func(_ context.Context, url string) (Store, error) {
			path, err := parsePath(url)
			if err != nil {
				return nil, err
			}
			return filestore.Open(path) //nolint:contextcheck // it does not wait for long
		},
	}
}

// sqlite is a database in a file.
func sqlite() kind {
	return kind{
		name: "sqlite", place: "the file of the database", temporary: "grants.db",
		check: checkPath,
		exists: func(url string) error {
			path, err := parsePath(url)
			if err != nil {
				return err
			}
			switch info, err := os.Stat(path); {
			case err != nil:
				return missing(path, err)
			case info.IsDir():
				return fmt.Errorf("%s is a directory; name the database in it", path)
			}
			return nil
		},
		open: func(_ context.Context, url string) (Store, error) {
			path, err := parsePath(url)
			if err != nil {
				return nil, err
			}
			return sqlitestore.Open(path) //nolint:contextcheck // likewise
		},
	}
}

func missing(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist", path)
	}
	return err
}

func checkPath(url string) error {
	_, err := parsePath(url)
	return err
}

// parsePath takes a path, or a file URL of this machine.
func parsePath(s string) (string, error) {
	if !strings.Contains(s, "://") {
		return s, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "" {
		return "", errors.New("it is no path and no file: URL; --store names another kind of store")
	}
	return filepath.FromSlash(u.Path), nil
}
