package pgstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

func TestCorruptRows(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"empty":               "SET content = ''",
		"cut short":           "SET content = left(content, -1)",
		"another format":      "SET content = replace(content, 'rblx-grants 1', 'rblx-grants 2')",
		"another grant's":     "SET content = (SELECT content FROM grants WHERE id <> '%[1]s')",
		"another version":     "SET version = 'x'",
		"another subject":     "SET subject = 'x'",
		"another state":       "SET state = 'tombstone'",
		"another time":        "SET issued = issued + interval '1 microsecond'",
		"a changed character": `SET content = replace(content, '"generation":1', '"generation":2')`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			s := openTest(t, dsn)
			row := mustSwap(t, s, "", sample(oauth.NewGrantID(), 1))
			good := mustSwap(t, s, "", sample(oauth.NewGrantID(), 2))
			pgtest.Exec(t, dsn, "UPDATE grants "+strings.ReplaceAll(damage, "%[1]s", string(row.GrantID))+" WHERE id = '"+string(row.GrantID)+"'")
			damaged := content(t, s, row.GrantID)

			check := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, oauth.ErrCorruptRow) || !strings.Contains(fmt.Sprint(err), s.place) || !strings.Contains(fmt.Sprint(err), string(row.GrantID)) {
					t.Errorf("%s: %v; want a corrupt row, its database and grant named", what, err)
				}
			}
			_, err := s.Load(t.Context(), row.GrantID)
			check("Load", err)
			for _, old := range []oauth.Version{"", "y"} {
				if _, err = s.Swap(t.Context(), old, withIntent(row)); !errors.Is(err, oauth.ErrConflict) {
					t.Errorf("Swap of version %q: %v", old, err)
				}
			}
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
			if due, err := s.ClaimDue(t.Context(), 1, 0); err != nil || len(due) != 1 || due[0].GrantID != good.GrantID {
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
	err := s.pool.QueryRow(t.Context(), s.in("SELECT concat(version, subject, state, issued, content) FROM $schema.grants WHERE id = $1"), string(id)).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
