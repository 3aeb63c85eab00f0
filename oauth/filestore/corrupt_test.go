package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

func TestCorruptRows(t *testing.T) {
	t.Parallel()
	other := func(data []byte) []byte {
		r := record.Record{GrantID: oauth.NewGrantID(), Version: "v", State: oauth.StateActive}
		return record.Encode("row", r)
	}
	cases := map[string]func([]byte) []byte{
		"empty":              func([]byte) []byte { return nil },
		"garbage":            func([]byte) []byte { return []byte("hello\nworld") },
		"zeros":              func(b []byte) []byte { return make([]byte, len(b)) },
		"no end":             func(b []byte) []byte { return b[:len(b)-1] },
		"half":               func(b []byte) []byte { return b[:len(b)/2] },
		"header only":        func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] },
		"no length":          func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')-3] },
		"bit in the content": func(b []byte) []byte { b[len(b)-20] ^= 1; return b },
		"bit in the sum":     func(b []byte) []byte { b[len("rblx-grants 1 row ")] ^= 1; return b },
		"newer format":       func(b []byte) []byte { return bytes.Replace(b, []byte(" 1 row"), []byte(" 2 row"), 1) },
		"a flow":             func([]byte) []byte { return record.Encode("flow", flow{ID: "x"}) },
		"another form":       func([]byte) []byte { return record.Encode("row", []int{1}) },
		"another grant's":    other,
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openTest(t, newDir(t))
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			good := mustSwap(t, s, "", sample(oauth.NewGrantID(), 2))
			path := rowPath(s, row.GrantID)
			damaged := damage(mustRead(t, path))
			mustWrite(t, path, damaged)

			check := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, oauth.ErrCorruptRow) || !strings.Contains(fmt.Sprint(err), path) {
					t.Errorf("%s: %v; want a corrupt row, and its file named", what, err)
				}
			}
			_, err := s.Load(t.Context(), row.GrantID)
			check("Load", err)
			for _, old := range []oauth.Version{"", row.Version} {
				_, err = s.Swap(t.Context(), old, withIntent(row))
				check("Swap", err)
				if !errors.Is(err, oauth.ErrNotWritten) {
					t.Errorf("Swap: %v does not say that nothing was written", err)
				}
			}
			check("Delete", s.Delete(t.Context(), row.GrantID, row.Version))

			var found []oauth.GrantID
			for r, e := range s.Find(t.Context(), oauth.Query{}) {
				if err = e; err == nil {
					found = append(found, r.GrantID)
				}
			}
			check("Find, at its end", err)
			if len(found) != 1 || found[0] != good.GrantID {
				t.Errorf("Find yields %v beside the damaged row", found)
			}
			if due, err := s.ClaimDue(t.Context(), 9, 0); err != nil || len(due) != 1 {
				t.Errorf("ClaimDue: %d rows (%v), want the good one", len(due), err)
			}
			if !bytes.Equal(mustRead(t, path), damaged) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

func TestDamagedClaimsAreForgotten(t *testing.T) {
	t.Parallel()
	s := openTest(t, newDir(t))
	mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
	for i, want := range []int{1, 0, 1} {
		if i == 2 {
			mustWrite(t, s.path(claimsFile), []byte("x"))
		}
		if rows, err := s.ClaimDue(t.Context(), 1, 1<<40); err != nil || len(rows) != want {
			t.Errorf("claim %d: %d rows (%v), want %d", i, len(rows), err, want)
		}
	}
}
