package tinkseal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Key is what may be told of a key.
type Key struct {
	ID        uint32 `json:"id"`
	Algorithm string `json:"algorithm"`
	Primary   bool   `json:"primary"` // rows are sealed with it
	Enabled   bool   `json:"enabled"` // rows can be opened with it
}

// keys is a keyset ready for use. It never changes.
type keys struct {
	aead    tink.AEAD
	primary uint32
	ids     []uint32 // of the enabled keys, oldest first
	handle  *keyset.Handle
}

func newKeys(h *keyset.Handle) (*keys, error) {
	if h == nil || h.Len() == 0 {
		return nil, errors.New("the keyset has no keys")
	}
	k := &keys{primary: h.KeysetInfo().GetPrimaryKeyId(), handle: h}
	for _, info := range h.KeysetInfo().GetKeyInfo() {
		if info.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, fmt.Errorf("key %d has no Tink prefix (%v), so that rows would not show what they were sealed with; make the keyset with rblx keyset create, or from a template that is not RAW",
				info.GetKeyId(), info.GetOutputPrefixType())
		}
		if info.GetStatus() == tinkpb.KeyStatusType_ENABLED {
			k.ids = append(k.ids, info.GetKeyId())
		}
	}
	var err error
	if k.aead, err = aead.New(h); err != nil {
		return nil, fmt.Errorf("the keyset is not one for AEAD: %w", err)
	}
	return k, nil
}

func (k *keys) has(id uint32) bool { return slices.Contains(k.ids, id) }

// current reports whether a key is the primary one or newer.
func (k *keys) current(id uint32) bool {
	return slices.Index(k.ids, id) >= slices.Index(k.ids, k.primary)
}

func (k *keys) list() (all []Key) {
	for _, info := range k.handle.KeysetInfo().GetKeyInfo() {
		_, name, _ := strings.Cut(info.GetTypeUrl(), "google.crypto.tink.")
		all = append(all, Key{
			ID: info.GetKeyId(), Algorithm: strings.TrimSuffix(name, "Key"),
			Primary: info.GetKeyId() == k.primary, Enabled: k.has(info.GetKeyId()),
		})
	}
	return all
}

func (k *keys) key(id uint32) Key {
	all := k.list()
	if i := slices.IndexFunc(all, func(k Key) bool { return k.ID == id }); i >= 0 {
		return all[i]
	}
	return Key{}
}

// maxKeyset bounds what is read as a keyset: some thousand keys.
const maxKeyset = 1 << 20

// parse reads a keyset in cleartext JSON. Errors tell nothing of what is in it,
// unlike those of Tink's reader, which quote it.
func parse(r io.Reader) (*keyset.Handle, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeyset+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the keyset: %w", err)
	case len(text) > maxKeyset:
		return nil, fmt.Errorf("the keyset is longer than %d bytes", maxKeyset)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("the keyset is empty")
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err == nil {
		return h, nil
	}
	var wrapped struct {
		Encrypted string `json:"encryptedKeyset"`
	}
	if json.Unmarshal(text, &wrapped) == nil && wrapped.Encrypted != "" {
		return nil, errors.New("the keyset is encrypted; unwrap it with Tink's keyset.Read and give the handle to New")
	}
	return nil, errors.New("it is no Tink keyset in JSON; rblx keyset create makes one")
}
