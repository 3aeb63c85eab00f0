package tinkseal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// create makes a keyset of one key.
func create(t *testing.T) (path string, id uint32) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keyset.json")
	k, err := tinkseal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, k.ID
}

func open(t *testing.T, path string) *tinkseal.Sealer {
	t.Helper()
	s, err := tinkseal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t *testing.T, s *tinkseal.Sealer, plain, additional string) []byte {
	t.Helper()
	b, err := s.Seal([]byte(plain), []byte(additional))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	path, _ := create(t)
	s := open(t, path)
	for _, plain := range []string{"", "x", strings.Repeat("canary", 1000)} {
		got, current, err := s.Open(seal(t, s, plain, "here"), []byte("here"))
		if err != nil || !current || string(got) != plain {
			t.Errorf("%q came back as %q (%v, %v)", plain, got, current, err)
		}
	}
	sealed := seal(t, s, "canary", "here")
	if bytes.Contains(sealed, []byte("canary")) || bytes.Equal(sealed, seal(t, s, "canary", "here")) {
		t.Error("it is readable, or twice the same")
	}
	if _, _, err := s.Open(sealed, []byte("there")); err == nil || errors.Is(err, oauth.ErrUnknownKey) {
		t.Error("it opens elsewhere:", err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 0x40
		_, _, err := s.Open(damaged, []byte("here"))
		if inID := 1 <= i && i < 5; err == nil || errors.Is(err, oauth.ErrUnknownKey) != inID {
			t.Errorf("with byte %d changed: %v", i, err)
		}
	}
}

// Whatever comes back from a store or a browser, only what was sealed opens.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "keyset.json")
	if _, err := tinkseal.Create(path); err != nil {
		f.Fatal(err)
	}
	s, err := tinkseal.Open(path)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := s.Seal([]byte("plain"), nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, {1}, sealed, sealed[:5], sealed[:4], append([]byte{1, 0, 0, 0, 0}, sealed[5:]...)} {
		f.Add(seed, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, b, additional []byte) {
		plain, _, err := s.Open(b, additional)
		if err == nil && (!bytes.Equal(b, sealed) || len(additional) != 0 || string(plain) != "plain") {
			t.Errorf("%x opens as %q", b, plain)
		}
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()
	path, first := create(t)
	before := open(t, path)
	old := seal(t, before, "old", "")

	added, err := tinkseal.AddKey(path)
	if err != nil || added.Primary || !added.Enabled || added.Algorithm != "XChaCha20Poly1305" {
		t.Fatal(added, err)
	}
	if _, err := tinkseal.AddKey(path); err == nil || !strings.Contains(err.Error(), strconv.FormatUint(uint64(added.ID), 10)) {
		t.Error("a second key was added before the first was primary:", err)
	}
	if _, err := tinkseal.Prune(path); err == nil {
		t.Error("there was nothing to remove")
	}
	both := open(t, path)
	if sealed := seal(t, both, "x", ""); !opens(before, sealed) {
		t.Error("an added key is sealed with before it is primary")
	}
	promoted, err := tinkseal.Promote(path)
	if err != nil || promoted.ID != added.ID || !promoted.Primary {
		t.Fatal(promoted, err)
	}
	if _, err := tinkseal.Promote(path); err == nil {
		t.Error("there was nothing to promote")
	}
	after := open(t, path)
	if _, current, err := after.Open(old, nil); err != nil || current {
		t.Errorf("the old key: current is %v, %v", current, err)
	}
	sealed := seal(t, after, "new", "")
	if plain, current, err := both.Open(sealed, nil); err != nil || !current || string(plain) != "new" {
		t.Error("who has the key and not that it is primary:", current, err) // it looks at its file
	}
	removed, err := tinkseal.Prune(path)
	if err != nil || len(removed) != 1 || removed[0].ID != first {
		t.Fatal(removed, err)
	}
	last := open(t, path)
	if got := last.Keys(); len(got) != 1 || got[0].ID != added.ID || !got[0].Primary {
		t.Error(got)
	}
	if _, _, err := last.Open(old, nil); !errors.Is(err, oauth.ErrUnknownKey) || !strings.Contains(err.Error(), path) {
		t.Error("the removed key:", err)
	}
}

func opens(s *tinkseal.Sealer, sealed []byte) bool {
	_, _, err := s.Open(sealed, nil)
	return err == nil
}

// A keyset from a key management service is one that somebody unwraps.
func TestUse(t *testing.T) {
	t.Parallel()
	handle := func(template *tinkpb.KeyTemplate) *keyset.Handle {
		h, err := keyset.NewHandle(template)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	s, err := tinkseal.New(handle(aead.AES256GCMKeyTemplate()))
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, s, "x", "")
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "Use") {
		t.Error("Reload:", err)
	}
	for name, template := range map[string]*tinkpb.KeyTemplate{"RAW": aead.AES256GCMNoPrefixKeyTemplate(), "AEAD": mac.HMACSHA256Tag128KeyTemplate()} {
		if err := s.Use(handle(template)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := tinkseal.New(handle(template)); err == nil {
			t.Error(name, "makes a Sealer")
		}
	}
	if err := s.Use(nil); err == nil {
		t.Error("no keyset is one")
	}
	if !opens(s, sealed) {
		t.Error("a keyset that was refused took the other's place")
	}
	if err := s.Use(handle(aead.AES256GCMSIVKeyTemplate())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Open(sealed, nil); !errors.Is(err, oauth.ErrUnknownKey) {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	path, _ := create(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tinkseal.Read(bytes.NewReader(text))
	if err != nil || !opens(s, seal(t, open(t, path), "x", "")) {
		t.Fatal(err)
	}
	key := keyOf(t, text)
	for name, c := range map[string]struct{ text, want string }{
		"nothing":    {"", "empty"},
		"blank":      {" \n", "empty"},
		"no JSON":    {key, "no Tink keyset"},
		"other JSON": {`{"key":"` + key + `"}`, "no Tink keyset"},
		"truncated":  {string(text[:len(text)-20]), "no Tink keyset"},
		"no primary": {strings.Replace(string(text), "primaryKeyId", "other", 1), "no Tink keyset"},
		"damaged":    {strings.Replace(string(text), key, key[:10]+"!"+key[10:], 1), "no Tink keyset"},
		"encrypted":  {`{"encryptedKeyset":"` + key + `"}`, "encrypted"},
		"no keys":    {`{"primaryKeyId":1,"key":[]}`, "no Tink keyset"},
		"too long":   {strings.Repeat(" ", 2<<20) + string(text), "longer"},
	} {
		_, err := tinkseal.Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), key[:8]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// keyOf is the key material in a keyset, as it stands there.
func keyOf(t *testing.T, text []byte) string {
	t.Helper()
	var ks struct {
		Key []struct {
			KeyData struct {
				Value string `json:"value"`
			} `json:"keyData"`
		} `json:"key"`
	}
	if err := json.Unmarshal(text, &ks); err != nil || len(ks.Key) == 0 || len(ks.Key[0].KeyData.Value) < 40 {
		t.Fatal("no key in the keyset", err)
	}
	return ks.Key[0].KeyData.Value
}

func TestSealersShowNoKey(t *testing.T) {
	t.Parallel()
	path, id := create(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	config := oauth.Config{ClientID: "visible", Sealer: s}
	var out bytes.Buffer
	for _, v := range []any{s, config, &config, s.Keys()} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("", "v", v)
	}
	if !strings.Contains(out.String(), strconv.FormatUint(uint64(id), 10)) {
		t.Error("the scan is blind:", out.String())
	}
	// The key is the value's last 32 bytes; protobuf's escapes differ, so look for parts.
	key := keyOf(t, text)
	for _, form := range []string{key, key[8:24], "keyData", "key_data"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("a Sealer shows %q:\n%s", form, out.String())
		}
	}
}
