package soak

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/filestore"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// Two processes share a keyset that is rotated at once, without the pause that
// files on two machines need: whoever meets the new key reads the file again.
func TestSoakSealed(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, func(o *emulator.Options) { o.AccessTTL = 2 * time.Second })
	keyset, grants := filepath.Join(t.TempDir(), "keyset.json"), filepath.Join(t.TempDir(), "grants")
	if _, err := tinkseal.Create(keyset); err != nil {
		t.Fatal(err)
	}
	rotated := make(chan error, 1)
	go func() {
		time.Sleep(2 * time.Second)
		_, err := tinkseal.AddKey(keyset)
		if err == nil {
			_, err = tinkseal.Promote(keyset)
		}
		rotated <- err
	}()
	r, text, err := soaked(t, emu, func(o *options) {
		o.keyset, o.store.URL, o.period = keyset, grants, 14*time.Second // the file is looked at every ten
	})
	if err := <-rotated; err != nil {
		t.Fatal(err)
	}
	if err != nil || r.CallErrors+r.Probes+r.Lost+r.SilentlyLost != 0 || r.Refreshes < 3 || r.Adopted == 0 {
		t.Errorf("%v %+v\n%s", err, r, text)
	}
	if replays := emu.Log().Replays(); len(replays) != 0 {
		t.Errorf("replayed %v", replays)
	}
	if _, err := tinkseal.Prune(keyset); err != nil {
		t.Fatal(err)
	}
	sealer, err := tinkseal.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	s, err := filestore.Open(grants)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := 0
	for row, err := range s.Find(t.Context(), oauth.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		if _, was, err := oauth.Reseal(sealer, row); was != oauth.SealCurrent {
			t.Errorf("the row is %s: %v", was, err)
		}
	}
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
}
