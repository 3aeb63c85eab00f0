// Package stores opens the store that a command is told of by --store and
// --store-url. Each kind of store has a file here and a line in kinds.
package stores

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rblx-go/opencloud/oauth"
)

// Store is what every kind of store is.
type Store interface {
	oauth.Store
	oauth.FlowStore
	io.Closer
}

// kind is a kind of store.
type kind struct {
	name string
	// place is what its URL names, for messages.
	place string
	// fallback is its URL where none is given; empty if it has to be.
	fallback string
	// temporary is a name for a store in a directory that is soon deleted; empty
	// if it lives in none.
	temporary string
	// check says what is wrong with a URL. It opens nothing.
	check func(url string) error
	// exists fails where there is no store yet, which open would create.
	exists func(url string) error
	open   func(ctx context.Context, url string) (Store, error)
}

// kinds are all there are; the first is the default.
func kinds() []kind { return []kind{file(), sqlite(), postgres(), redis()} }

// Names are the kinds' names, joined for a help text.
func Names() string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return strings.Join(names, "|")
}

// Place is a store that is not open yet. Its JSON may hold a password.
type Place struct {
	Kind string `json:"kind"`
	URL  string `json:"url"`
}

// urlVariable is in place of --store-url, which the list of processes shows to
// everybody on the machine.
const urlVariable = "RBLX_STORE_URL"

// Flags adds --store and --store-url, whose help ends with what fallback says
// of a store without a URL.
func (p *Place) Flags(f *pflag.FlagSet, fallback string) {
	f.StringVar(&p.Kind, "store", kinds()[0].name, "the kind of the store: `"+Names()+"`")
	f.StringVar(&p.URL, "store-url", os.Getenv(urlVariable), "the store's path or `URL` (default "+urlVariable+"; "+fallback+")")
	f.Lookup("store-url").DefValue = "" // not to be shown: it may have a password
}

func (p Place) kind() (kind, error) {
	for _, k := range kinds() {
		if k.name == p.Kind {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("--store %q: want %s", p.Kind, Names())
}

// Check says what is wrong with p, as far as that shows without opening it.
func (p Place) Check() error {
	k, err := p.kind()
	if err != nil || p.URL == "" {
		return err
	}
	if err := k.check(p.URL); err != nil {
		return fmt.Errorf("--store-url: %w", err)
	}
	return nil
}

// OrTemporary returns p with a URL: where it has none, that of a store in a
// temporary directory, which remove deletes, or the usual one of a kind that
// lives in no directory.
func (p Place) OrTemporary() (at Place, remove func(), err error) {
	k, err := p.kind()
	if err != nil || p.URL != "" || k.temporary == "" {
		return p, func() {}, err
	}
	dir, err := os.MkdirTemp("", "rblx-")
	if err != nil {
		return p, nil, fmt.Errorf("no temporary directory for the store; --store-url names another place: %w", err)
	}
	p.URL = filepath.Join(dir, k.temporary)
	return p, func() { _ = os.RemoveAll(dir) }, nil
}

// Open opens the store, and creates it if need be.
func (p Place) Open(ctx context.Context) (Store, error) {
	return p.open(ctx, func(string) error { return nil })
}

// OpenExisting opens a store that is there already.
func (p Place) OpenExisting(ctx context.Context) (Store, error) {
	k, err := p.kind()
	if err != nil {
		return nil, err
	}
	return p.open(ctx, k.exists)
}

func (p Place) open(ctx context.Context, exists func(url string) error) (Store, error) {
	k, err := p.kind()
	if err != nil {
		return nil, err
	}
	if p.URL == "" {
		p.URL = k.fallback
	}
	if p.URL == "" {
		return nil, fmt.Errorf("--store-url: is not given; it names %s", k.place)
	}
	if err = p.Check(); err != nil {
		return nil, err
	}
	if err = exists(p.URL); err != nil {
		return nil, fmt.Errorf("--store-url: %w", err)
	}
	s, err := k.open(ctx, p.URL)
	if err != nil {
		return nil, fmt.Errorf("--store %s: %w", p.Kind, err)
	}
	return s, nil
}
