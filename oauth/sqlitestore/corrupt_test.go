package sqlitestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

func TestCorruptRows(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"empty":               "UPDATE grants SET content = x'' WHERE id = ?1",
		"cut short":           "UPDATE grants SET content = substr(content, 1, length(content) - 1) WHERE id = ?1",
		"another format":      "UPDATE grants SET content = CAST(replace(CAST(content AS TEXT), 'rblx-grants 1', 'rblx-grants 2') AS BLOB) WHERE id = ?1",
		"another grant's":     "UPDATE grants SET content = (SELECT content FROM grants WHERE id <> ?1) WHERE id = ?1",
		"an older version":    "UPDATE grants SET version = 'x' WHERE id = ?1",
		"another subject":     "UPDATE grants SET subject = 'x' WHERE id = ?1",
		"another state":       "UPDATE grants SET state = 'tombstone' WHERE id = ?1",
		"another time":        "UPDATE grants SET issued = issued + 1 WHERE id = ?1",
		"a changed character": "UPDATE grants SET content = CAST(replace(CAST(content AS TEXT), '\"generation\":1', '\"generation\":2') AS BLOB) WHERE id = ?1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openTest(t, newPath(t))
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			good := mustSwap(t, s, "", sample(oauth.NewGrantID(), 2))
			change(t, s.path, damage, string(row.GrantID))
			damaged := content(t, s, row.GrantID)

			check := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, oauth.ErrCorruptRow) || !strings.Contains(fmt.Sprint(err), s.path) || !strings.Contains(fmt.Sprint(err), string(row.GrantID)) {
					t.Errorf("%s: %v; want a corrupt row, its database and grant named", what, err)
				}
			}
			_, err := s.Load(t.Context(), row.GrantID)
			check("Load", err)
			for _, old := range []oauth.Version{"", row.Version, "x"} {
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
			if due, err := s.ClaimDue(t.Context(), 9, 0); err != nil || len(due) != 1 || due[0].GrantID != good.GrantID {
				t.Errorf("ClaimDue: %d rows (%v), want the good one", len(due), err)
			}
			if content(t, s, row.GrantID) != damaged {
				t.Error("the damaged row was changed")
			}
		})
	}
}

func content(t *testing.T, s *Store, id oauth.GrantID) (all string) {
	t.Helper()
	err := s.reader.QueryRowContext(t.Context(), "SELECT version || subject || state || issued || hex(content) FROM grants WHERE id = ?", string(id)).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Damage within the file shows as a corrupt row of the grants it touches, and
// nothing is written over it.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	path, row := closed(t)
	data := mustRead(t, path)
	for at := 4096; at < len(data); at += 4096 { // all pages but that of the schema
		copy(data[at:], bytes.Repeat([]byte{0xff}, 64))
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path); err == nil {
		defer s.Close()
		_, err = s.Load(t.Context(), row.GrantID)
		if !errors.Is(err, oauth.ErrCorruptRow) {
			t.Errorf("Load: %v", err)
		}
	} else if !errors.Is(err, oauth.ErrCorruptRow) {
		t.Errorf("Open: %v", err)
	}
	if !bytes.Equal(mustRead(t, path), data) {
		t.Error("the damaged file was changed")
	}
}
