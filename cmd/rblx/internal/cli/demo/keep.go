package demo

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/filestore"
)

// keeping is what has to outlive the process for a visitor to stay signed in.
type keeping struct {
	store     oauth.Store
	cookieKey []byte
}

// keepOnDisk keeps grants in the user's configuration directory, those of each
// app by themselves. The emulator's are not worth it: it forgets them too.
func keepOnDisk(b *backend) (keeping, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return keeping{}, fmt.Errorf("no place to keep tokens in: %w", err)
	}
	app := sha256.Sum256([]byte(b.Name + "\x00" + b.ClientID))
	dir := filepath.Join(base, "rblx", "demo", hex.EncodeToString(app[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return keeping{}, fmt.Errorf("no place to keep tokens in: %w", err)
	}
	key, err := cookieKey(filepath.Join(dir, "cookie.key"))
	if err != nil {
		return keeping{}, err
	}
	store, err := filestore.Open(filepath.Join(dir, "grants"))
	if err != nil {
		return keeping{}, err
	}
	return keeping{store, key}, nil
}

// cookieKey reads the key that signs the site's cookies, or makes one.
func cookieKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = []byte(rand.Text())
		err = os.WriteFile(path, key, 0o600)
	}
	if err == nil && len(key) < 16 {
		err = errors.New("it is too short; delete it")
	}
	if err != nil {
		return nil, fmt.Errorf("the key that signs cookies, %s: %w", path, err)
	}
	return key, nil
}
