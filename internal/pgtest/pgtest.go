// Package pgtest gives tests a PostgreSQL: a schema of their own on the server
// that is there, or a server of their own to kill.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// DefaultDSN is where a development machine has its server.
const DefaultDSN = "postgres://postgres@127.0.0.1:5432/test"

// URL is RBLX_TEST_POSTGRES or DefaultDSN.
func URL() string {
	if dsn := os.Getenv("RBLX_TEST_POSTGRES"); dsn != "" {
		return dsn
	}
	return DefaultDSN
}

// reachable tries the server once for all tests of a process.
var reachable = sync.OnceValue(func() error { //nolint:gochecknoglobals // computed once
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, URL())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
})

// DSN returns the DSN of the server with a new schema as search_path, which is
// not created, and dropped when the test ends. Without a server the test is
// skipped.
func DSN(t testing.TB) string {
	t.Helper()
	if err := reachable(); err != nil {
		testenv.Skip(t, "needs PostgreSQL at %s, or at RBLX_TEST_POSTGRES: %v", DefaultDSN, err)
	}
	return NewSchema(t, URL())
}

// NewSchema is DSN for another server.
func NewSchema(t testing.TB, dsn string) string {
	t.Helper()
	schema := "test_" + strings.ToLower(rand.Text())
	t.Cleanup(func() { Exec(t, dsn, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	return With(t, dsn, "search_path", schema)
}

// With returns the DSN with another setting.
func With(t testing.TB, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String()
}

// Exec executes statements that use tables of the DSN's search_path.
func Exec(t testing.TB, dsn, statements string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}
