package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"sync"
)

// keyring is a Sealer whose keys are bytes: 'a' seals what begins with an a.
type keyring struct {
	mu      sync.Mutex
	primary byte
	known   string
	err     error // what Seal fails with
}

func newKeyring(primary byte, known string) *keyring { return &keyring{primary: primary, known: known} }

func (k *keyring) set(primary byte, known string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.primary, k.known = primary, known
}

func (k *keyring) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

func (k *keyring) aead(key byte) (cipher.AEAD, error) {
	for i := range len(k.known) {
		if k.known[i] == key {
			block, err := aes.NewCipher(append(make([]byte, 15), key))
			if err != nil {
				return nil, err
			}
			return cipher.NewGCMWithRandomNonce(block)
		}
	}
	return nil, ErrUnknownKey
}

// Seal implements Sealer.
func (k *keyring) Seal(plain, additional []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, k.err
	}
	aead, err := k.aead(k.primary)
	if err != nil {
		return nil, err
	}
	return aead.Seal([]byte{k.primary}, nil, plain, additional), nil
}

// Open implements Sealer.
func (k *keyring) Open(sealed, additional []byte) ([]byte, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(sealed) == 0 {
		return nil, false, errors.New("it is too short")
	}
	aead, err := k.aead(sealed[0])
	if err != nil {
		return nil, false, err
	}
	plain, err := aead.Open(nil, nil, sealed[1:], additional)
	return plain, sealed[0] == k.primary, err
}

var _ Sealer = (*keyring)(nil)
