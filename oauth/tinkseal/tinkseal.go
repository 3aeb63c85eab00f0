// Package tinkseal encrypts the tokens in a store with a keyset of Tink's, as
// an oauth.Sealer. Every row is encrypted by itself and bound to its place, so
// that no row can stand in for another.
//
// [Open] reads a keyset from a file, which `rblx keyset create` or [Create]
// makes; [Read] takes one from elsewhere, an environment variable say; [New]
// takes a Tink handle, which a key management service may have unwrapped.
// Whoever loses the keyset has logged every user out: back it up, and apart
// from the store.
//
// # Rotation
//
// A row is opened with the key it was sealed with and sealed with the primary
// one. To change keys without an error anywhere, in any number of processes:
//
//  1. Add a key ([AddKey], `rblx keyset rotate`) and bring the file to all
//     machines. Nothing is sealed with it yet, but everybody can open it.
//  2. Make it primary ([Promote], `rblx keyset rotate --promote`) and bring the
//     file to all machines again. Rows are sealed with it as they are refreshed,
//     and `rblx keyset reseal` does the idle ones.
//  3. When `rblx keyset check` finds no row under the old key any more, remove
//     it ([Prune], `rblx keyset prune`).
//
// A process follows its file: it seals nothing with what was replaced more than
// ten seconds ago, and looks at once when it meets a key that it does not know.
// Until then it may seal with the old key, so do not hurry from step 2 to step
// 3. A keyset given otherwise is changed by [Sealer.Use].
package tinkseal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/rblx-go/opencloud/oauth"
)

// Sealer is an oauth.Sealer. Make one with Open, Read or New. It is safe for
// concurrent use.
type Sealer struct {
	keys atomic.Pointer[keys]
	file *file // nil if the keyset came from elsewhere
}

var _ oauth.Sealer = (*Sealer)(nil)

// Open returns a Sealer with the keyset in a file, whose changes it follows.
// The file holds Tink's JSON form in cleartext and must be readable by its
// owner alone (0600; on Windows the access list of its directory decides). If
// it becomes unreadable later, the keys at hand go on serving.
func Open(path string) (*Sealer, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("tinkseal: %w", err)
	}
	s := &Sealer{file: &file{path: path}}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Read returns a Sealer with the keyset that r holds, in Tink's JSON form and
// in cleartext.
func Read(r io.Reader) (*Sealer, error) {
	h, err := parse(r)
	if err != nil {
		return nil, fmt.Errorf("tinkseal: %w", err)
	}
	return New(h)
}

// New returns a Sealer with the keyset h, of keys for AEAD that have Tink's
// output prefix: it names the key that a row was sealed with.
func New(h *keyset.Handle) (*Sealer, error) {
	s := &Sealer{}
	if err := s.Use(h); err != nil {
		return nil, err
	}
	return s, nil
}

// Use replaces the keyset. After an error the old one stays.
// The file of a Sealer from Open takes precedence again when it changes.
func (s *Sealer) Use(h *keyset.Handle) error {
	if err := s.use(h); err != nil {
		return fmt.Errorf("tinkseal: %w", err)
	}
	return nil
}

func (s *Sealer) use(h *keyset.Handle) error {
	k, err := newKeys(h)
	if err == nil {
		s.keys.Store(k)
	}
	return err
}

// Keys returns the keys at hand, oldest first.
func (s *Sealer) Keys() []Key { return s.follow().list() }

// Seal implements oauth.Sealer, with the primary key.
func (s *Sealer) Seal(plain, additional []byte) ([]byte, error) {
	sealed, err := s.follow().aead.Encrypt(plain, additional)
	if err != nil {
		return nil, fmt.Errorf("tinkseal: %w", err)
	}
	return sealed, nil
}

// Open implements oauth.Sealer. What was sealed with a key newer than the
// primary one is current: another process has made it primary already.
func (s *Sealer) Open(sealed, additional []byte) (plain []byte, current bool, err error) {
	id, ok := keyID(sealed)
	if !ok {
		return nil, false, errors.New("tinkseal: it was not sealed with a key of a Tink keyset")
	}
	k := s.follow()
	if !k.has(id) {
		if k, err = s.lookFor(id); err != nil {
			return nil, false, err
		}
	}
	if plain, err = k.aead.Decrypt(sealed, additional); err != nil {
		return nil, false, fmt.Errorf("tinkseal: key %d: it is damaged, or another row's: %w", id, err)
	}
	return plain, k.current(id), nil
}

// Format implements fmt.Formatter: no verb shows a key, only its id.
func (s *Sealer) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "tinkseal.Sealer(primary key %d of %d)", s.keys.Load().primary, len(s.keys.Load().ids))
}

// keyID reads Tink's output prefix: a one, then the key's id.
func keyID(sealed []byte) (id uint32, ok bool) {
	const prefix, size = 1, 5
	if len(sealed) < size || sealed[0] != prefix {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:size]), true
}
