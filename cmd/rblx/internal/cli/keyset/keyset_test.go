package keyset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/sqlitestore"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// place is a keyset and a store whose rows are sealed with it.
type place struct {
	keyset, url string
	store       *sqlitestore.Store
}

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{keyset: filepath.Join(t.TempDir(), "keyset.json"), url: filepath.Join(t.TempDir(), "grants", "grants.db")}
	p.run(t, "create", p.keyset)
	var err error
	if p.store, err = sqlitestore.Open(p.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.store.Close() })
	return p
}

// fill adds n rows as sealer seals them.
func (p place) fill(t *testing.T, sealer oauth.Sealer, n int) (rows []oauth.Row) {
	t.Helper()
	for range n {
		row := oauth.Row{GrantID: oauth.NewGrantID(), App: "1", Generation: 1, State: oauth.StateActive, Sealed: []byte(`0{"refresh":"canary"}`)}
		var err error
		if sealer != nil {
			row, _, err = oauth.Reseal(sealer, row)
		}
		if err == nil {
			row, err = p.store.Swap(t.Context(), "", row)
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func (p place) sealer(t *testing.T) *tinkseal.Sealer {
	t.Helper()
	s, err := tinkseal.Open(p.keyset)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// try runs a command line and returns what it printed.
func (p place) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := Command()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	if strings.Contains(out.String()+fmt.Sprint(err), "canary") {
		t.Errorf("%q shows a token: %s%v", args, &out, err)
	}
	return out.String(), err
}

func (p place) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.try(t, args...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return out
}

// over adds the store to a command line.
func (p place) over(args ...string) []string {
	return append(args, p.keyset, "--store", "sqlite", "--store-url", p.url)
}

// counts are those that check finds.
func (p place) counts(t *testing.T) (n counts, err error) {
	t.Helper()
	out, err := p.try(t, append(p.over("check"), "--json")...)
	var found checked
	if jsonErr := json.Unmarshal([]byte(out), &found); jsonErr != nil {
		t.Fatalf("%v: %s %v", jsonErr, out, err)
	}
	return found.Rows, err
}

func TestRotationOfAStore(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.fill(t, p.sealer(t), 30)
	p.fill(t, nil, 3)
	p.run(t, "rotate", p.keyset)
	p.run(t, "rotate", "--promote", p.keyset)
	p.fill(t, p.sealer(t), 5)
	want := func(current, older, unsealed int) {
		t.Helper()
		if n, err := p.counts(t); err != nil || n[oauth.SealCurrent] != current || n[oauth.SealOlder] != older || n[oauth.SealMissing] != unsealed {
			t.Errorf("%v, %v; want %d current, %d older, %d unsealed", n, err, current, older, unsealed)
		}
	}
	want(5, 30, 3)
	if out := p.run(t, p.over("check")...); !strings.Contains(out, "30  sealed with an older key\n") || !strings.Contains(out, "next: rblx keyset reseal") {
		t.Error(out)
	}

	// An old key that rows need stays; a change of a moment ago is not yet everywhere.
	if _, err := p.try(t, p.over("prune")...); err == nil || !strings.Contains(err.Error(), "come back in a minute") {
		t.Error(err)
	}
	then := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(p.keyset, then, then); err != nil {
		t.Fatal(err)
	}
	if _, err := p.try(t, p.over("prune")...); err == nil || !strings.Contains(err.Error(), "30 rows are sealed with older keys") {
		t.Error(err)
	}
	if _, err := p.try(t, "prune", p.keyset); err == nil || !strings.HasPrefix(err.Error(), "--store-url: is not given") {
		t.Error(err)
	}
	if got := p.sealer(t).Keys(); len(got) != 2 {
		t.Fatal("a key was removed")
	}

	var done resealed
	if err := json.Unmarshal([]byte(p.run(t, append(p.over("reseal"), "--json")...)), &done); err != nil || done != (resealed{p.keyset, 30, 5, 3, 0}) {
		t.Errorf("%+v, %v", done, err)
	}
	want(35, 0, 3)
	p.run(t, append(p.over("reseal"), "--accept-unsealed")...)
	want(38, 0, 0)
	if out := p.run(t, p.over("prune")...); !strings.Contains(out, "removed key ") {
		t.Error(out)
	}
	want(38, 0, 0)
	if got := p.sealer(t).Keys(); len(got) != 1 || !got[0].Primary {
		t.Error(got)
	}
}

func TestRowsThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	p, other := newPlace(t), newPlace(t)
	rows := p.fill(t, p.sealer(t), 2)
	stranger := p.fill(t, other.sealer(t), 1)[0]
	if n, err := p.counts(t); err == nil || !strings.Contains(err.Error(), "1 rows are sealed with keys that the keyset does not have") || n[oauth.SealUnknownKey] != 1 {
		t.Error(n, err)
	}
	rows[0].Sealed = rows[1].Sealed
	if _, err := p.store.Swap(t.Context(), rows[0].Version, rows[0]); err != nil {
		t.Fatal(err)
	}
	if err := p.store.Delete(t.Context(), stranger.GrantID, stranger.Version); err != nil {
		t.Fatal(err)
	}
	if n, err := p.counts(t); err == nil || !strings.Contains(err.Error(), "1 rows are damaged") || n[oauth.SealBroken] != 1 || n[oauth.SealCurrent] != 1 {
		t.Error(n, err)
	}
	if _, err := p.try(t, p.over("reseal")...); err == nil || !strings.Contains(err.Error(), "1 rows cannot be opened") {
		t.Error(err)
	}
}

// Rows are written to while they are sealed anew: no write is undone.
func TestResealBesideOtherWriters(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	rows := p.fill(t, p.sealer(t), 50)
	p.run(t, "rotate", p.keyset)
	p.run(t, "rotate", "--promote", p.keyset)
	var writers sync.WaitGroup
	written := make([]int, len(rows))
	for i := range rows {
		if i%5 != 0 {
			continue
		}
		writers.Go(func() {
			for written[i] < 10 {
				row, err := p.store.Load(t.Context(), rows[i].GrantID)
				if err != nil {
					t.Error(err)
					return
				}
				row.DoubtGen++
				switch _, err := p.store.Swap(t.Context(), row.Version, row); {
				case err == nil:
					written[i]++
				case !errors.Is(err, oauth.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	r := &resealer{store: p.store, sealer: p.sealer(t)}
	if err := r.run(t.Context()); err != nil || r.resealed.Load() != int64(len(rows)) {
		t.Errorf("%d rows, %v", r.resealed.Load(), err)
	}
	writers.Wait()
	for i := range rows {
		row, err := p.store.Load(t.Context(), rows[i].GrantID)
		if err != nil || row.DoubtGen != uint64(written[i]) {
			t.Errorf("%d of %d writes are there (%v)", row.DoubtGen, written[i], err)
		}
	}
	if n, err := p.counts(t); err != nil || n[oauth.SealCurrent] != len(rows) {
		t.Error(n, err)
	}
}

// troubled fails writes as its hook says.
type troubled struct {
	oauth.Store

	swap func(write func() error) error
}

func (s troubled) Swap(ctx context.Context, old oauth.Version, row oauth.Row) (stored oauth.Row, err error) {
	err = s.swap(func() error { stored, err = s.Store.Swap(ctx, old, row); return err })
	return stored, err
}

func TestResealOverATroubledStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		swap func(write func() error) error
		want int64
		err  error
	}{
		"written, not acknowledged": {func(write func() error) error { return errors.Join(write(), oauth.ErrUnknown) }, 1, nil},
		"full":                      {func(func() error) error { return oauth.ErrNotWritten }, 0, oauth.ErrNotWritten},
		"never":                     {func(func() error) error { return oauth.ErrConflict }, 0, oauth.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.fill(t, p.sealer(t), 1)
			p.run(t, "rotate", p.keyset)
			p.run(t, "rotate", "--promote", p.keyset)
			r := &resealer{store: troubled{p.store, c.swap}, sealer: p.sealer(t)}
			if err := r.run(t.Context()); !errors.Is(err, c.err) || r.resealed.Load() != c.want {
				t.Errorf("%d rows, %v", r.resealed.Load(), err)
			}
		})
	}
}
