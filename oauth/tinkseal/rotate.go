package tinkseal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/rblx-go/opencloud/oauth/internal/localdir"
)

// Create makes a file with a keyset of one new key, readable by its owner
// alone. It fails if the file exists.
func Create(path string) (Key, error) {
	return edit(path, func(keys []Key, m *keyset.Manager) (id uint32, err error) {
		if keys != nil {
			return 0, fmt.Errorf("%w; rotate its keys instead", fs.ErrExist)
		}
		if id, err = m.Add(template()); err == nil {
			err = m.SetPrimary(id)
		}
		return id, err
	})
}

// template is XChaCha20-Poly1305: its random nonces are long enough for any
// number of rows, where those of AES-GCM run out.
func template() *tinkpb.KeyTemplate { return aead.XChaCha20Poly1305KeyTemplate() }

// AddKey adds a new key to the keyset in a file, for Promote to make it primary
// once every process has it. It fails if one waits for that already.
func AddKey(path string) (Key, error) {
	return edit(path, func(keys []Key, m *keyset.Manager) (uint32, error) {
		switch {
		case keys == nil:
			return 0, errAbsent
		case !keys[len(keys)-1].Primary:
			return 0, fmt.Errorf("key %d was added before and is not primary yet; promote it first (rblx keyset rotate --promote)", keys[len(keys)-1].ID)
		}
		return m.Add(template())
	})
}

// Promote makes the newest key of the keyset in a file primary: it is what rows
// are sealed with from now on. It fails if it is that already.
func Promote(path string) (Key, error) {
	return edit(path, func(keys []Key, m *keyset.Manager) (uint32, error) {
		if keys == nil {
			return 0, errAbsent
		}
		newest := keys[len(keys)-1]
		if newest.Primary {
			return 0, fmt.Errorf("key %d, the newest, is primary already; add a key first", newest.ID)
		}
		return newest.ID, m.SetPrimary(newest.ID)
	})
}

// errAbsent: there is no keyset to change.
var errAbsent = fmt.Errorf("%w; create it first", fs.ErrNotExist)

// Prune removes all keys that are older than the primary one from the keyset
// in a file, and returns them. Rows that are still sealed with them can never
// be opened again: see oauth.Reseal for how to know of any.
func Prune(path string) (removed []Key, err error) {
	_, err = edit(path, func(keys []Key, m *keyset.Manager) (uint32, error) {
		if keys == nil {
			return 0, errAbsent
		}
		for _, k := range keys {
			if k.Primary {
				break
			}
			if err := m.Delete(k.ID); err != nil {
				return 0, err
			}
			removed = append(removed, k)
		}
		if removed == nil {
			return 0, errors.New("no key is older than the primary one")
		}
		return 0, nil
	})
	return removed, err
}

// edit lets change alter the keyset in a file, which it gets as nil if there is
// none, and returns the key whose id change does. The file is replaced as a
// whole, or stays as it was.
func edit(path string, change func([]Key, *keyset.Manager) (uint32, error)) (Key, error) {
	k, err := editFile(path, change)
	if err != nil {
		return Key{}, fmt.Errorf("tinkseal: %s: %w", path, err)
	}
	return k, nil
}

func editFile(path string, change func([]Key, *keyset.Manager) (uint32, error)) (k Key, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil { // the file is replaced, not a link to it
		path = real
	}
	// Its name is the lock against others who edit the keyset.
	next := path + ".new"
	w, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, localdir.FileMode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return Key{}, fmt.Errorf("somebody else is changing it; if nobody is, remove %s", next)
	case err != nil:
		return Key{}, fmt.Errorf("%w%s", withoutPath(err), localdir.Advice(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(next)
		}
	}()
	defer w.Close()

	var all []Key
	manager := keyset.NewManager()
	h, info, err := readFile(path)
	switch {
	case err == nil:
		old, err := newKeys(h)
		if err != nil {
			return Key{}, err
		}
		if err := keepOwner(w, info); err != nil {
			return Key{}, fmt.Errorf("its owner cannot be kept: %w; do it as that user", withoutPath(err))
		}
		all, manager = old.list(), keyset.NewManagerFromHandle(h)
	case !errors.Is(err, fs.ErrNotExist):
		return Key{}, err
	}
	id, err := change(all, manager)
	if err != nil {
		return Key{}, err
	}
	if h, err = manager.Handle(); err != nil {
		return Key{}, err
	}
	changed, err := newKeys(h)
	if err != nil {
		return Key{}, err
	}
	if err := write(w, h); err != nil {
		return Key{}, fmt.Errorf("%w%s", withoutPath(err), localdir.Advice(err))
	}
	if err := replace(next, path); err != nil {
		return Key{}, err
	}
	return changed.key(id), nil
}

func write(w *os.File, h *keyset.Handle) error {
	var compact, text bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&compact)); err != nil {
		return err
	}
	if err := json.Indent(&text, compact.Bytes(), "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	if err := w.Sync(); err != nil {
		return err
	}
	return w.Close()
}

// replace puts the file next in path's place, durably.
func replace(next, path string) error {
	if err := os.Rename(next, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return localdir.Sync(dir)
}
