package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

const (
	// maxFlows bounds what anonymous visitors of a login page can make the
	// database hold.
	maxFlows = 10_000
	// flowMemory is how long a flow past its end is still told from an unknown
	// one.
	flowMemory = time.Hour
)

// PutFlow implements oauth.FlowStore. Beyond ten thousand flows, those that
// expire first give way.
func (s *Store) PutFlow(ctx context.Context, f oauth.Flow) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM flows WHERE expires < ?", time.Now().Add(-flowMemory).UnixMicro()); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, "INSERT INTO flows (id, binding, expires, sealed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			f.ID, f.Binding, f.Expires.UnixMicro(), f.Sealed)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); n == 0 || err != nil {
			return errors.Join(errors.New("a flow of that id exists"), err)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM flows WHERE rowid IN
			(SELECT rowid FROM flows WHERE rowid <> last_insert_rowid() ORDER BY expires DESC LIMIT -1 OFFSET ?)`, maxFlows-1)
		return err
	})
}

// TakeFlow implements oauth.FlowStore.
func (s *Store) TakeFlow(ctx context.Context, id, binding string) (oauth.Flow, error) {
	f := oauth.Flow{ID: id}
	err := s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		var (
			used    bool
			expires int64
		)
		err := tx.QueryRowContext(ctx, "SELECT binding, expires, used, sealed FROM flows WHERE id = ?", id).
			Scan(&f.Binding, &expires, &used, &f.Sealed)
		f.Expires = time.UnixMicro(expires).UTC()
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return answer{oauth.ErrFlowUnknown}
		case err != nil:
			return err
		case used:
			return answer{oauth.ErrFlowUsed}
		case f.Binding != binding:
			return answer{oauth.ErrFlowBinding}
		case !time.Now().Before(f.Expires):
			return answer{oauth.ErrFlowExpired}
		}
		_, err = tx.ExecContext(ctx, "UPDATE flows SET used = 1, sealed = NULL WHERE id = ?", id)
		return err
	})
	if err != nil {
		return oauth.Flow{}, err
	}
	return f, nil
}
