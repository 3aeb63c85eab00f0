package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rblx-go/opencloud/oauth"
)

// DefaultSchema is where the tables are unless Options.Schema names another.
const DefaultSchema = "rblx"

// Options are for Open and New; the zero value is for a database of one's own.
type Options struct {
	// Schema holds the tables, and is created if need be: a lower-case name of
	// at most 40 letters, digits and underscores. Default: the search_path of
	// the DSN if it has one, or DefaultSchema.
	Schema string

	// ListenDSN leads to the server itself, for Watch, where the store's own
	// connections go through a transaction pooler, which swallows
	// notifications. Default: as the other connections.
	ListenDSN string

	// NoMigrations makes Open and New fail where the schema would have to be
	// made, or brought up to date.
	NoMigrations bool
}

// Store is a schema of grants and sign-ins. Make one with Open or New. It is
// safe for concurrent use, also by other processes and machines.
type Store struct {
	pool   *pgxpool.Pool
	owned  bool            // the pool, which Close then closes
	listen *pgx.ConnConfig // for Watch
	schema string
	place  string // host, port and database, for messages
	news   news
	tidied atomic.Int64 // when flows were last deleted, in Unix nanoseconds
}

var (
	_ oauth.Store     = (*Store)(nil)
	_ oauth.FlowStore = (*Store)(nil)
	_ oauth.Watcher   = (*Store)(nil)
)

// openTimeout bounds Open and New where ctx does not: other processes may be at
// the same point.
const openTimeout = 30 * time.Second

// Open connects to the database of a DSN, in the forms that libpq knows
// (postgres://user@host:5432/database or key=value), and brings the schema up
// to date. The DSN also takes pgxpool's settings, such as pool_max_conns. It
// fails if the server cannot be reached or is a read-only replica, if rights
// are missing, its disk is full, or a newer version of this package has been
// here. Close it when done.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil { // which may quote a password
		return nil, errors.New("pgstore: the DSN cannot be parsed; want postgres://user:password@host:5432/database, special characters of the password %-escaped")
	}
	config.ConnConfig.RuntimeParams, opts.Schema = withoutSchema(config.ConnConfig, opts.Schema)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("pgstore: the DSN: %w", err)
	}
	s, err := New(ctx, pool, opts)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.owned = true
	return s, nil
}

// withoutSchema takes the schema out of the parameters of a connection: poolers
// refuse search_path, and statements here name the schema.
func withoutSchema(config *pgx.ConnConfig, schema string) (params map[string]string, found string) {
	params = map[string]string{}
	for name, value := range config.RuntimeParams {
		switch {
		case name != "search_path":
			params[name] = value
		case schema == "":
			schema = value
		}
	}
	return params, schema
}

// New makes a Store of a pool, which Close leaves open. Otherwise it is like Open.
func New(ctx context.Context, pool *pgxpool.Pool, opts Options) (*Store, error) {
	if opts.Schema == "" {
		opts.Schema = DefaultSchema
	}
	if !regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`).MatchString(opts.Schema) {
		return nil, fmt.Errorf("pgstore: Schema %q: want a name of at most 40 lower-case letters, digits and underscores", opts.Schema)
	}
	config := pool.Config().ConnConfig
	s := &Store{
		pool:   pool,
		listen: config,
		schema: opts.Schema,
		place:  net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database,
	}
	if opts.ListenDSN != "" {
		var err error
		if s.listen, err = pgx.ParseConfig(opts.ListenDSN); err != nil {
			return nil, errors.New("pgstore: ListenDSN cannot be parsed; want postgres://user:password@host:5432/database")
		}
		s.listen.RuntimeParams, _ = withoutSchema(s.listen, "")
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.prepare(ctx, opts.NoMigrations); err != nil {
		return nil, s.failed(err)
	}
	return s, nil
}

// Close releases what the store holds, and its connections if it was opened
// with Open. Operations under way should have ended.
func (s *Store) Close() error {
	s.news.wait()
	if s.owned {
		s.pool.Close()
	}
	return nil
}

// in names the store's schema where a statement has $schema.
func (s *Store) in(statement string) string {
	return strings.ReplaceAll(statement, "$schema", s.schema)
}
