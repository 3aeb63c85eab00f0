package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rblx-go/opencloud/oauth"
)

// testModel plays random operations on a few grants against a map.
func testModel(t *testing.T, s oauth.Store) {
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		m := model{store: s, subject: fmt.Sprint("subject-", round), rows: map[oauth.GrantID]oauth.Row{}, old: []oauth.Version{"", "x"}}
		for range 3 {
			m.ids = append(m.ids, oauth.NewGrantID())
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			rapid.SampledFrom([]func(*testing.T, *rapid.T){m.load, m.swap, m.swap, m.delete, m.find}).Draw(rt, "step")(t, rt)
		}
	})
}

type model struct {
	store   oauth.Store
	subject string
	ids     []oauth.GrantID
	rows    map[oauth.GrantID]oauth.Row // as they must be stored
	old     []oauth.Version             // every version there has been, and more
}

func (m *model) id(rt *rapid.T) oauth.GrantID { return rapid.SampledFrom(m.ids).Draw(rt, "grant") }

// version is mostly the right one.
func (m *model) version(rt *rapid.T, id oauth.GrantID) oauth.Version {
	if rapid.IntRange(0, 3).Draw(rt, "right version") > 0 {
		return m.rows[id].Version
	}
	return rapid.SampledFrom(m.old).Draw(rt, "version")
}

func (m *model) load(t *testing.T, rt *rapid.T) {
	id := m.id(rt)
	got, err := m.store.Load(t.Context(), id)
	want, ok := m.rows[id]
	switch {
	case !ok && !errors.Is(err, oauth.ErrNoGrant):
		rt.Fatalf("Load of no grant: %v", err)
	case ok && err != nil:
		rt.Fatalf("Load: %v", err)
	case ok && (got.Version != want.Version || diff(want, got) != ""):
		rt.Fatalf("Load (-want +got):\n%s", diff(want, got))
	}
}

func (m *model) swap(t *testing.T, rt *rapid.T) {
	id := m.id(rt)
	version := m.version(rt, id)
	row := sample(id)
	row.Subject = m.subject
	row.Generation = rapid.Uint64Range(0, 1<<63-1).Draw(rt, "generation")
	row.State = rapid.SampledFrom(states).Draw(rt, "state")
	row.Sealed = rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(rt, "sealed")
	if rapid.Bool().Draw(rt, "no intent") {
		row.Intent = nil
	}
	stored, err := m.store.Swap(t.Context(), version, row)
	if version != m.rows[id].Version {
		if !errors.Is(err, oauth.ErrConflict) {
			rt.Fatalf("Swap of another version: %v", err)
		}
		return
	}
	if err != nil {
		rt.Fatalf("Swap: %v", err)
	}
	if d := diff(row, stored); d != "" {
		rt.Fatalf("Swap (-want +got):\n%s", d)
	}
	m.rows[id] = stored
	m.old = append(m.old, stored.Version)
}

func (m *model) delete(t *testing.T, rt *rapid.T) {
	id := m.id(rt)
	version := m.version(rt, id)
	err := m.store.Delete(t.Context(), id, version)
	row, ok := m.rows[id]
	switch {
	case !ok && !errors.Is(err, oauth.ErrNoGrant):
		rt.Fatalf("Delete of no grant: %v", err)
	case ok && version != row.Version && !errors.Is(err, oauth.ErrConflict):
		rt.Fatalf("Delete of another version: %v", err)
	case ok && version == row.Version && err != nil:
		rt.Fatalf("Delete: %v", err)
	case ok && version == row.Version:
		delete(m.rows, id)
	}
}

func (m *model) find(t *testing.T, rt *rapid.T) {
	q := oauth.Query{Subject: m.subject, State: rapid.SampledFrom(append(slices.Clone(states), "")).Draw(rt, "find state")}
	want := 0
	for _, row := range m.rows {
		if q.State == "" || row.State == q.State {
			want++
		}
	}
	for row, err := range m.store.Find(t.Context(), q) {
		if err != nil {
			rt.Fatalf("Find: %v", err)
		}
		if m.rows[row.GrantID].Version != row.Version {
			rt.Fatal("Find yields a row of another version")
		}
		want--
	}
	if want != 0 {
		rt.Fatalf("Find yields %d rows too few", want)
	}
}
