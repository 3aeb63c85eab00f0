package stores

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth/pgstore"
)

// postgres is a schema of a database.
func postgres() kind {
	return kind{
		name: "postgres", place: "the database: postgres://user@host:5432/database",
		fallback: "postgres://postgres@127.0.0.1:5432/test",
		check: func(url string) error {
			if _, err := pgx.ParseConfig(url); err != nil { // which may quote a password
				return errors.New("it is no postgres: URL, such as postgres://user@host:5432/database")
			}
			return nil
		},
		exists: func(url string) error {
			s, err := pgstore.Open(context.Background(), url, pgstore.Options{NoMigrations: true})
			if err != nil {
				return err
			}
			return s.Close()
		},
		open: func(ctx context.Context, url string) (Store, error) {
			return pgstore.Open(ctx, url, pgstore.Options{})
		},
	}
}
