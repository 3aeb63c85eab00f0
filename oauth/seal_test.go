package oauth

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// appOver is an App over store, changed.
func appOver(t *testing.T, p http.RoundTripper, store Store, change func(*Config)) *App {
	t.Helper()
	c := Config{
		ClientID: "client", RedirectURL: "http://localhost:3000/callback", Scopes: []string{"openid"},
		Store: store, HTTPClient: &http.Client{Transport: p},
	}
	change(&c)
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A store from before there was a Sealer is taken over as its grants refresh.
func TestUnsealedRowsAreTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newFakeProvider(), NewMemoryStore()
		_, id := signedIn(t, p, store, time.Minute)
		keys := newKeyring('a', "a")
		strict := appOver(t, p, store, func(c *Config) { c.Sealer = keys })
		if err := second(strict.Grant(id).Token(t.Context())); !errors.Is(err, ErrUnsealed) || errors.Is(err, ErrCorruptRow) {
			t.Error("without AcceptUnsealed:", err)
		}
		lax := appOver(t, p, store, func(c *Config) { c.Sealer, c.AcceptUnsealed = keys, true })
		if tok, err := lax.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-1" {
			t.Error(tok, err)
		}
		time.Sleep(2 * time.Minute)
		for range 2 {
			if tok, err := lax.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
				t.Error(tok, err)
			}
		}
		row, err := store.Load(t.Context(), id)
		if err != nil || row.Sealed[0] != sealedBySealer || bytes.Contains(row.Sealed, []byte("rt-2")) {
			t.Errorf("the row is not sealed (%v)", err)
		}
		if tok, err := strict.Grant(id).Token(t.Context()); err != nil || tok.AccessToken != "at-2" {
			t.Error("once it is sealed:", tok, err)
		}
		if got := p.sent(); len(got) != 1 {
			t.Errorf("token POSTs %q, want one", got)
		}
	})
}

func TestReseal(t *testing.T) {
	t.Parallel()
	id, keys := NewGrantID(), newKeyring('a', "a")
	row := func(sealed []byte) Row { return Row{GrantID: id, App: "client", Generation: 7, Sealed: sealed} }
	sealed := func(s Sealer, additional string) []byte {
		b, err := sealWith(s, additional, []byte("canary"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	here := rowAAD("client", id, 7)
	for name, c := range map[string]struct {
		row  Row
		was  SealState
		fail error
	}{
		"current":       {row(sealed(newKeyring('b', "b"), here)), SealCurrent, nil},
		"older":         {row(sealed(keys, here)), SealOlder, nil},
		"plain":         {row(sealed(nil, here)), SealMissing, nil},
		"unknown":       {row(sealed(newKeyring('c', "c"), here)), SealUnknownKey, ErrUnknownKey},
		"elsewhere":     {row(sealed(keys, rowAAD("client", id, 6))), SealBroken, ErrCorruptRow},
		"empty":         {row(nil), SealBroken, ErrCorruptRow},
		"nothing in it": {row([]byte{sealedBySealer}), SealBroken, ErrCorruptRow},
		"newer version": {row([]byte("2x")), SealBroken, ErrCorruptRow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, was, err := Reseal(newKeyring('b', "ab"), c.row)
			if was != c.was || !errors.Is(err, c.fail) {
				t.Fatalf("it was %q, %v", was, err)
			}
			if c.fail != nil || was == SealCurrent {
				if !bytes.Equal(got.Sealed, c.row.Sealed) {
					t.Error("the row was changed")
				}
				return
			}
			plain, was, err := openWith(newKeyring('b', "b"), here, got.Sealed)
			if err != nil || was != SealCurrent || string(plain) != "canary" {
				t.Errorf("%q, %v: %q", was, err, plain)
			}
		})
	}
	failing := newKeyring('b', "ab")
	failing.fail(errCut)
	if got, _, err := Reseal(failing, row(sealed(keys, here))); !errors.Is(err, errCut) || got.Sealed != nil && got.Sealed[1] != 'a' {
		t.Error("where sealing fails:", err)
	}
}

// remoteStore is one that does not say that it is local.
type remoteStore struct {
	Store
	FlowStore
}

func TestUnsealedSharedStoreIsWarnedOf(t *testing.T) {
	t.Parallel()
	local := NewMemoryStore()
	for name, c := range map[string]struct {
		store  Store
		sealer Sealer
		warned bool
	}{
		"shared":         {remoteStore{local, local}, nil, true},
		"shared, sealed": {remoteStore{local, local}, newKeyring('a', "a"), false},
		"local":          {local, nil, false},
	} {
		var log bytes.Buffer
		appOver(t, newFakeProvider(), c.store, func(config *Config) {
			config.Sealer, config.Logger = c.sealer, slog.New(slog.NewTextHandler(&log, nil))
		})
		if got := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "Config.Sealer"); got != c.warned {
			t.Errorf("%s: %q", name, log.String())
		}
	}
}

func TestSealErrorsTellNoSecret(t *testing.T) {
	t.Parallel()
	keys := newKeyring('a', "a")
	a := appOver(t, newFakeProvider(), NewMemoryStore(), func(c *Config) { c.Sealer = keys })
	id := NewGrantID()
	seal := func(plain string) []byte {
		b, err := a.seal(rowAAD("client", id, 1), []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, sealed := range [][]byte{
		[]byte(`0{"refresh":"canary"}`), []byte("canary"), seal("canary"), seal(`{"refresh":"canary`), seal(`{"access":"canary"}`),
		seal(`{"refresh":["canary"]}`), append(seal(`{"refresh":"canary"}`), 0),
	} {
		_, err := a.openTokens(Row{GrantID: id, App: "client", Generation: 1, Sealed: sealed})
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
			t.Errorf("%v", err)
		}
	}
	if held, err := a.openTokens(Row{GrantID: id, App: "client", Generation: 1, Sealed: seal(`{"refresh":"canary"}`)}); err != nil || held.Refresh != "canary" {
		t.Error("the row itself is not readable:", err)
	}
}

// Whatever a store gives back, it is one of the three errors or what was sealed.
func FuzzOpenRow(f *testing.F) {
	keys := newKeyring('a', "a")
	a, err := New(Config{ClientID: "client", RedirectURL: "http://localhost/", Scopes: []string{"openid"}, Store: NewMemoryStore(), Sealer: keys})
	if err != nil {
		f.Fatal(err)
	}
	id := NewGrantID()
	sealed, err := a.sealTokens(id, 1, tokens{Refresh: "rt"})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, {}, {sealedBySealer}, []byte(`0{"refresh":"rt"}`), sealed, sealed[:len(sealed)-1], append([]byte("2"), sealed[1:]...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		held, err := a.openTokens(Row{GrantID: id, App: "client", Generation: 1, Sealed: stored})
		known := errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrUnsealed) || errors.Is(err, ErrCorruptRow)
		if err != nil && !known || err == nil && (!bytes.Equal(stored, sealed) || held.Refresh != "rt") {
			t.Errorf("%q: %v", stored, err)
		}
	})
}
