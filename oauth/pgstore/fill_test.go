package pgstore

import (
	"crypto/rand"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/record"
)

// fill stores n grants of as many subjects, each issued a second after the last
// from epoch on, as fast as the server takes them.
func fill(t testing.TB, s *Store, n int, epoch time.Time) {
	t.Helper()
	i := 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if i == n {
			return nil, nil
		}
		row := sample(oauth.NewGrantID(), 1)
		row.Subject, row.RefreshIssued = strconv.Itoa(i), epoch.Add(time.Duration(i)*time.Second)
		rec := record.New(row, oauth.Version(rand.Text()), boot)
		i++
		return []any{string(rec.GrantID), string(rec.Version), rec.Subject, string(rec.State), micro(rec.RefreshIssued), string(record.Encode("row", rec))}, nil
	})
	columns := []string{"id", "version", "subject", "state", "issued", "content"}
	if _, err := s.pool.CopyFrom(t.Context(), pgx.Identifier{s.schema, "grants"}, columns, rows); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), s.in("ANALYZE $schema.grants")); err != nil {
		t.Fatal(err)
	}
}
